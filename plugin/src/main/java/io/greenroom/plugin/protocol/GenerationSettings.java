package io.greenroom.plugin.protocol;

import com.google.gson.JsonElement;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.SamplingParameters;
import io.greenroom.plugin.protocol.text.StopStrings;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What a request asks of the decoder, apart from the prompt.
 *
 * @param sampling how tokens are drawn
 * @param maxTokens most tokens to produce; 0 for as many as the context holds
 * @param stops texts that end the answer
 * @param routing how far its tokens may yield to resident experts; null for the model's setting
 */
public record GenerationSettings(
        SamplingParameters sampling,
        int maxTokens,
        StopStrings stops,
        @Nullable RoutingDial routing) {

    private static final int MAX_STOPS = 16;
    private static final int MAX_STOP_LENGTH = 256;
    private static final int MAX_TOP_K = 1 << 20;

    /**
     * Reads the fields that OpenAI's and LMI's requests share.
     *
     * @param maxTokens what the request's own field for it says
     * @param temperature default where the request has none
     * @param random gives seeds to requests that bring none
     */
    static GenerationSettings read(
            Fields fields, int maxTokens, double temperature, RandomGenerator random)
            throws RequestException {
        double heat = fields.number("temperature", temperature, 0, 2);
        SamplingParameters sampling =
                new SamplingParameters(
                        (float) heat,
                        // vLLM's -1 and our 0 both mean all
                        (int) Math.max(0, fields.integer("top_k", 0, -1, MAX_TOP_K)),
                        (float) fields.numberAbove("top_p", 1, 0, 1),
                        (float) fields.number("min_p", 0, 0, 1),
                        fields.get("seed") == null
                                ? random.nextLong()
                                : fields.integer("seed", 0, Long.MIN_VALUE, Long.MAX_VALUE),
                        (float) fields.numberAbove("repetition_penalty", 1, 0, 2),
                        (float) fields.number("presence_penalty", 0, -2, 2),
                        (float) fields.number("frequency_penalty", 0, -2, 2));
        StopStrings stops = new StopStrings(fields.strings("stop", MAX_STOPS, MAX_STOP_LENGTH));
        return new GenerationSettings(sampling, maxTokens, stops, routing(fields));
    }

    private static @Nullable RoutingDial routing(Fields fields) throws RequestException {
        JsonElement value = fields.get("routing");
        if (value == null) {
            return null;
        }
        if (Fields.isString(value)) {
            try {
                return RoutingDial.parse(value.getAsString());
            } catch (IllegalArgumentException e) {
                throw fields.wrong("routing", value, RoutingDial.ACCEPTED);
            }
        }
        throw fields.wrong("routing", value, "a string: " + RoutingDial.ACCEPTED);
    }
}
