package io.greenroom.plugin.protocol;

import com.google.gson.JsonObject;
import java.util.random.RandomGenerator;

/** A checked request to generate text, in either of the two dialects. */
public sealed interface TextRequest permits ChatRequest, LmiRequest {

    GenerationSettings settings();

    /** Whether the answer comes piece by piece. */
    boolean stream();

    /**
     * Reads a request of either dialect: OpenAI's has {@code messages}, LMI's has {@code inputs}.
     *
     * @param random gives seeds to requests that bring none
     * @throws RequestException naming the field, its value and what is accepted
     */
    static TextRequest read(JsonObject json, RandomGenerator random) throws RequestException {
        if (json.has("messages")) {
            return ChatRequest.read(json, random);
        }
        if (json.has("inputs")) {
            return LmiRequest.read(json, random);
        }
        throw new RequestException(
                ApiError.invalid(
                        "messages",
                        "\"messages\" is missing; expected an array of messages (or \"inputs\", a"
                                + " text to continue)"));
    }
}
