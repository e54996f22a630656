package io.greenroom.plugin.protocol;

import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.GenerationUsage;

/** The {@code details} of LMI's answers. */
final class LmiDetails {

    private LmiDetails() {}

    static JsonObject of(String input, Ending ending, GenerationUsage usage) {
        JsonObject details = new JsonObject();
        details.addProperty("finish_reason", ending.lmi());
        details.addProperty("generated_tokens", usage.completionTokens());
        details.addProperty("prompt_tokens", usage.promptTokens());
        details.addProperty("inputs", input);
        details.add("greenroom", GreenroomUsage.toJson(usage));
        return details;
    }

    static JsonObject token(int token, String text) {
        JsonObject json = new JsonObject();
        json.addProperty("id", token);
        json.addProperty("text", text);
        return json;
    }
}
