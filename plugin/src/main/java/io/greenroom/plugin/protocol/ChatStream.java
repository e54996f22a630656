package io.greenroom.plugin.protocol;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.GenerationUsage;
import org.jspecify.annotations.Nullable;

/**
 * {@code chat.completion.chunk} objects as server-sent events: the role first, then text, then the
 * reason for the end, then the usage if asked for, then {@code [DONE]}. A failure after the stream
 * has begun is an event with an {@code error} object; then the stream ends. One before that is a
 * plain error.
 */
final class ChatStream implements AnswerFormat {

    private static final String DONE = "data: [DONE]\n\n";

    private final ChatFormat format;
    private final AnswerSink sink;
    private final boolean includeUsage;
    private boolean begun;

    ChatStream(ChatFormat format, boolean includeUsage, AnswerSink sink) {
        this.format = format;
        this.includeUsage = includeUsage;
        this.sink = sink;
    }

    @Override
    public void token(int token, String text) {
        begin();
        if (!text.isEmpty()) {
            content(text);
        }
    }

    @Override
    public void finish(String text, Ending ending, GenerationUsage usage) {
        begin();
        if (!text.isEmpty()) {
            content(text);
        }
        chunk(new JsonObject(), ending);
        if (includeUsage) {
            JsonObject last = format.envelope("chat.completion.chunk");
            last.add("choices", new JsonArray());
            last.add("usage", ChatFormat.usage(usage));
            event(last);
        }
        sink.write(DONE);
        sink.end();
    }

    @Override
    public void fail(ApiError error) {
        if (sink.fail(error.status())) {
            sink.write(Json.write(error.toJson()));
        } else {
            event(error.toJson());
        }
        sink.end();
    }

    /** The first chunk tells the client that its turn has come, before there is text. */
    private void begin() {
        if (!begun) {
            begun = true;
            JsonObject delta = new JsonObject();
            delta.addProperty("role", "assistant");
            delta.addProperty("content", "");
            chunk(delta, null);
        }
    }

    private void content(String text) {
        JsonObject delta = new JsonObject();
        delta.addProperty("content", text);
        chunk(delta, null);
    }

    private void chunk(JsonObject delta, @Nullable Ending ending) {
        JsonObject chunk = format.envelope("chat.completion.chunk");
        chunk.add("choices", ChatFormat.choice("delta", delta, ending));
        if (includeUsage) {
            chunk.add("usage", JsonNull.INSTANCE);
        }
        event(chunk);
    }

    private void event(JsonObject json) {
        sink.write("data: " + Json.write(json) + "\n\n");
    }
}
