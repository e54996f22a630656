package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.plugin.host.LocalModel;
import java.io.IOException;

/**
 * A prompt that is answered for its own sake, or, by a model without a chat template, continued.
 *
 * @param text what is said
 * @param maxTokens longest answer
 */
record ChatPrompt(String text, int maxTokens) {

    /** The same answer each time, but not the likeliest, which soon repeats itself. */
    private static final double TEMPERATURE = 0.8;

    void answer(LocalModel model) throws InterruptedException, IOException {
        AnswerReader reader = new AnswerReader(piece -> {});
        model.request(request(model.text().template().isPresent()).toString(), reader);
        reader.end();
        String error = reader.error();
        if (error != null) {
            throw new IOException(error);
        }
    }

    private JsonObject request(boolean chat) {
        JsonObject request = new JsonObject();
        request.addProperty("stream", true);
        JsonObject parameters = request;
        if (chat) {
            JsonObject message = new JsonObject();
            message.addProperty("role", "user");
            message.addProperty("content", text);
            JsonArray messages = new JsonArray();
            messages.add(message);
            request.add("messages", messages);
            request.addProperty("max_tokens", maxTokens);
        } else {
            request.addProperty("inputs", text);
            parameters = new JsonObject();
            parameters.addProperty("max_new_tokens", maxTokens);
            parameters.addProperty("do_sample", true);
            request.add("parameters", parameters);
        }
        parameters.addProperty("temperature", TEMPERATURE);
        parameters.addProperty("seed", text.hashCode() & Integer.MAX_VALUE);
        return request;
    }
}
