package io.greenroom.plugin.protocol;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.greenroom.offload.decoder.GenerationUsage;
import org.jspecify.annotations.Nullable;

/**
 * The parts that OpenAI's chat answers, whole or streamed, have in common.
 *
 * @param id of the answer
 * @param created seconds since 1970
 * @param model the model's name
 */
record ChatFormat(String id, long created, String model) {

    JsonObject envelope(String object) {
        JsonObject envelope = new JsonObject();
        envelope.addProperty("id", id);
        envelope.addProperty("object", object);
        envelope.addProperty("created", created);
        envelope.addProperty("model", model);
        return envelope;
    }

    /**
     * @param name "message" or "delta"
     * @param ending null while the answer goes on
     */
    static JsonArray choice(String name, JsonObject content, @Nullable Ending ending) {
        JsonObject choice = new JsonObject();
        choice.addProperty("index", 0);
        choice.add(name, content);
        choice.add("logprobs", JsonNull.INSTANCE);
        choice.add(
                "finish_reason",
                ending == null ? JsonNull.INSTANCE : new JsonPrimitive(ending.openAi()));
        JsonArray choices = new JsonArray(1);
        choices.add(choice);
        return choices;
    }

    static JsonObject usage(GenerationUsage usage) {
        JsonObject json = new JsonObject();
        json.addProperty("prompt_tokens", usage.promptTokens());
        json.addProperty("completion_tokens", usage.completionTokens());
        json.addProperty("total_tokens", usage.promptTokens() + usage.completionTokens());
        json.add("greenroom", GreenroomUsage.toJson(usage));
        return json;
    }
}
