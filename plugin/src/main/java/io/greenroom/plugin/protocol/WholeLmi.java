package io.greenroom.plugin.protocol;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.GenerationUsage;
import java.util.ArrayList;
import java.util.List;

/**
 * LMI's {@code {"generated_text": ...}}, or an array of them for an array of inputs, at the end.
 * The inputs of one request are answered side by side; if one fails, the request has failed.
 */
final class WholeLmi {

    private final LmiRequest request;
    private final AnswerSink sink;
    private final List<JsonObject> answers = new ArrayList<>();
    private int open;
    private boolean failed;

    WholeLmi(LmiRequest request, AnswerSink sink) {
        this.request = request;
        this.sink = sink;
        this.open = request.inputs().size();
        request.inputs().forEach(input -> answers.add(new JsonObject()));
    }

    /** The format for one of the inputs. */
    AnswerFormat forInput(int index) {
        return new One(index);
    }

    private synchronized void answered(int index, JsonObject answer) {
        answers.set(index, answer);
        open--;
        if (open > 0 || failed) {
            return;
        }
        if (request.batch()) {
            JsonArray all = new JsonArray(answers.size());
            answers.forEach(all::add);
            sink.write(Json.write(all));
        } else {
            sink.write(Json.write(answers.get(0)));
        }
        sink.end();
    }

    private synchronized void failed(ApiError error) {
        if (!failed) {
            failed = true;
            sink.fail(error.status());
            sink.write(Json.write(error.toJson()));
            sink.end();
        }
    }

    private final class One implements AnswerFormat {

        private final int index;
        private final StringBuilder generated = new StringBuilder();
        private final JsonArray tokens = new JsonArray();

        One(int index) {
            this.index = index;
        }

        @Override
        public void token(int token, String text) {
            generated.append(text);
            if (request.details()) {
                tokens.add(LmiDetails.token(token, text));
            }
        }

        @Override
        public void finish(String text, Ending ending, GenerationUsage usage) {
            generated.append(text);
            String input = request.inputs().get(index);
            JsonObject answer = new JsonObject();
            answer.addProperty(
                    "generated_text",
                    request.fullText() ? input + generated : generated.toString());
            if (request.details()) {
                JsonObject details = LmiDetails.of(input, ending, usage);
                details.add("tokens", tokens);
                answer.add("details", details);
            }
            answered(index, answer);
        }

        @Override
        public void fail(ApiError error) {
            failed(error);
        }
    }
}
