package io.greenroom.plugin.protocol;

import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.GenerationUsage;

/** One {@code chat.completion} object at the end. */
final class WholeChat implements AnswerFormat {

    private final ChatFormat format;
    private final AnswerSink sink;
    private final StringBuilder content = new StringBuilder();

    WholeChat(ChatFormat format, AnswerSink sink) {
        this.format = format;
        this.sink = sink;
    }

    @Override
    public void token(int token, String text) {
        content.append(text);
    }

    @Override
    public void finish(String text, Ending ending, GenerationUsage usage) {
        content.append(text);
        JsonObject message = new JsonObject();
        message.addProperty("role", "assistant");
        message.addProperty("content", content.toString());
        JsonObject answer = format.envelope("chat.completion");
        answer.add("choices", ChatFormat.choice("message", message, ending));
        answer.add("usage", ChatFormat.usage(usage));
        sink.write(Json.write(answer));
        sink.end();
    }

    @Override
    public void fail(ApiError error) {
        sink.fail(error.status());
        sink.write(Json.write(error.toJson()));
        sink.end();
    }
}
