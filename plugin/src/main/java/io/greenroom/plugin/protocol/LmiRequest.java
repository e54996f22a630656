package io.greenroom.plugin.protocol;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.SamplingParameters;
import io.greenroom.plugin.protocol.text.StopStrings;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A request in the schema of DJL Serving's large model inference: {@code {"inputs": ...,
 * "parameters": {...}, "stream": ...}}.
 *
 * @param inputs texts to continue, at least one
 * @param batch whether the client sent an array and expects one back
 * @param settings how to answer
 * @param stream whether the answer comes as JSON lines
 * @param details whether the answer says why it ended and which tokens it has
 * @param fullText whether the answer repeats the input
 */
public record LmiRequest(
        List<String> inputs,
        boolean batch,
        GenerationSettings settings,
        boolean stream,
        boolean details,
        boolean fullText)
        implements TextRequest {

    private static final int MAX_INPUTS = 64;

    /** LMI's default. */
    private static final int DEFAULT_NEW_TOKENS = 30;

    static LmiRequest read(JsonObject json, RandomGenerator random) throws RequestException {
        Fields fields = new Fields(json, "");
        JsonElement value = fields.get("inputs");
        boolean batch = value instanceof JsonArray;
        List<String> inputs = inputs(fields, value);
        Fields given = fields.object("parameters");
        Fields parameters = given == null ? new Fields(new JsonObject(), "parameters.") : given;
        boolean stream = fields.bool("stream", parameters.bool("stream", false));
        if (stream && inputs.size() > 1) {
            throw fields.refused(
                    "inputs", "has " + inputs.size() + " texts", "one text with \"stream\": true");
        }
        int maxTokens =
                (int)
                        parameters.integer(
                                "max_new_tokens", DEFAULT_NEW_TOKENS, 1, Integer.MAX_VALUE);
        GenerationSettings settings = GenerationSettings.read(parameters, maxTokens, 1, random);
        boolean sample = parameters.bool("do_sample", false);
        List<String> stops = new ArrayList<>(settings.stops().texts());
        stops.addAll(parameters.strings("stop_sequences", 16, 256));
        return new LmiRequest(
                inputs,
                batch,
                new GenerationSettings(
                        sample ? settings.sampling() : greedy(settings.sampling()),
                        maxTokens,
                        new StopStrings(stops),
                        settings.routing()),
                stream,
                parameters.bool("details", false),
                parameters.bool("return_full_text", false));
    }

    private static List<String> inputs(
            Fields fields, @org.jspecify.annotations.Nullable JsonElement value)
            throws RequestException {
        String accepted = "a text, or an array of 1 to " + MAX_INPUTS + " texts";
        if (value == null) {
            throw fields.missing("inputs", accepted);
        }
        if (Fields.isString(value)) {
            return List.of(value.getAsString());
        }
        if (!(value instanceof JsonArray array)) {
            throw fields.wrong("inputs", value, accepted);
        }
        if (array.isEmpty() || array.size() > MAX_INPUTS) {
            throw fields.refused("inputs", "has " + array.size() + " texts", accepted);
        }
        List<String> inputs = new ArrayList<>(array.size());
        for (int i = 0; i < array.size(); i++) {
            if (!Fields.isString(array.get(i))) {
                throw fields.wrong("inputs[" + i + "]", array.get(i), "a string");
            }
            inputs.add(array.get(i).getAsString());
        }
        return inputs;
    }

    private static SamplingParameters greedy(SamplingParameters asked) {
        return new SamplingParameters(
                0,
                0,
                1,
                0,
                asked.seed(),
                asked.repetitionPenalty(),
                asked.presencePenalty(),
                asked.frequencyPenalty());
    }
}
