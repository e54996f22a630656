package io.greenroom.plugin.protocol;

import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.GenerationUsage;

/**
 * LMI's JSON lines: one object per token, the last with {@code generated_text}. The end of an
 * answer is known one step after its last token, so the last line has the token id -1 and whatever
 * text was held back.
 */
final class LmiStream implements AnswerFormat {

    private static final int NO_TOKEN = -1;

    private final LmiRequest request;
    private final AnswerSink sink;
    private final StringBuilder generated = new StringBuilder();

    LmiStream(LmiRequest request, AnswerSink sink) {
        this.request = request;
        this.sink = sink;
    }

    @Override
    public void token(int token, String text) {
        generated.append(text);
        line(lineOf(token, text));
    }

    @Override
    public void finish(String text, Ending ending, GenerationUsage usage) {
        generated.append(text);
        JsonObject last = lineOf(NO_TOKEN, text);
        String input = request.inputs().get(0);
        last.addProperty(
                "generated_text", request.fullText() ? input + generated : generated.toString());
        if (request.details()) {
            last.add("details", LmiDetails.of(input, ending, usage));
        }
        line(last);
        sink.end();
    }

    @Override
    public void fail(ApiError error) {
        if (sink.fail(error.status())) {
            sink.write(Json.write(error.toJson()));
        } else {
            line(error.toJson());
        }
        sink.end();
    }

    private static JsonObject lineOf(int token, String text) {
        JsonObject line = new JsonObject();
        line.add("token", LmiDetails.token(token, text));
        return line;
    }

    private void line(JsonObject json) {
        sink.write(Json.write(json) + "\n");
    }
}
