package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a streamed answer, chat or plain, and passes on its text as it comes. Bytes may be cut
 * anywhere; lines are what counts: {@code data: {...}} of a chat, {@code {"token": ...}} of a plain
 * continuation.
 */
final class AnswerReader implements Consumer<byte[]> {

    private static final String EVENT = "data:";

    private final Consumer<String> text;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private @Nullable String finishReason;
    private @Nullable String error;

    AnswerReader(Consumer<String> text) {
        this.text = text;
    }

    @Override
    public void accept(byte[] bytes) {
        for (byte b : bytes) {
            if (b == '\n') {
                endLine();
            } else {
                line.write(b);
            }
        }
    }

    /** The stream is over: a last line may lack its end. */
    void end() {
        endLine();
    }

    /** Why the model stopped, once it has said so. */
    @Nullable String finishReason() {
        return finishReason;
    }

    /** What went wrong, if something did. */
    @Nullable String error() {
        return error;
    }

    private void endLine() {
        String read = line.toString(StandardCharsets.UTF_8).strip();
        line.reset();
        if (read.startsWith(EVENT)) {
            read = read.substring(EVENT.length()).strip();
        }
        if (read.startsWith("{")) {
            try {
                message(JsonParser.parseString(read).getAsJsonObject());
            } catch (JsonParseException e) {
                error = "the answer holds a line that is not JSON: " + read;
            }
        }
    }

    private void message(JsonObject message) {
        JsonElement failure = message.get("error");
        if (failure != null) {
            error =
                    failure.isJsonObject() && failure.getAsJsonObject().has("message")
                            ? failure.getAsJsonObject().get("message").getAsString()
                            : failure.toString();
        }
        if (message.get("choices") instanceof JsonArray choices) {
            choices.forEach(choice -> chat(choice.getAsJsonObject()));
        }
        if (message.get("token") instanceof JsonObject token) {
            pass(token.get("text"));
        }
        if (message.get("details") instanceof JsonObject details) {
            finished(details.get("finish_reason"));
        }
    }

    private void chat(JsonObject choice) {
        if (choice.get("delta") instanceof JsonObject delta) {
            pass(delta.get("content"));
        }
        finished(choice.get("finish_reason"));
    }

    private void pass(@Nullable JsonElement piece) {
        if (piece != null && piece.isJsonPrimitive()) {
            text.accept(piece.getAsString());
        }
    }

    private void finished(@Nullable JsonElement reason) {
        if (reason != null && reason.isJsonPrimitive()) {
            finishReason = reason.getAsString();
        }
    }
}
