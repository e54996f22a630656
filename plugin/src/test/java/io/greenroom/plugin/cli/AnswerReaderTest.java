package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class AnswerReaderTest {

    private static final String CHAT =
            """
            data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}

            data: {"choices":[{"index":0,"delta":{"content":"Größe "}}]}

            data: {"choices":[{"index":0,"delta":{"content":"zählt"},"finish_reason":null}]}

            data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}

            data: [DONE]

            """;

    private final StringBuilder text = new StringBuilder();
    private final AnswerReader reader = new AnswerReader(text::append);

    @Property
    void aChatIsReadHoweverItsBytesAreCut(@ForAll @IntRange(min = 1, max = 50) int size) {
        StringBuilder read = new StringBuilder();
        AnswerReader cut = new AnswerReader(read::append);
        byte[] bytes = CHAT.getBytes(StandardCharsets.UTF_8);
        for (int from = 0; from < bytes.length; from += size) {
            cut.accept(
                    java.util.Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + size)));
        }
        cut.end();

        assertThat(read).hasToString("Größe zählt");
        assertThat(cut.finishReason()).isEqualTo("length");
        assertThat(cut.error()).isNull();
    }

    @Test
    void aPlainContinuationIsRead() {
        feed(
                """
                {"token": {"id": 1, "text": "in the "}}
                {"token": {"id": 2, "text": "wings"}, "generated_text": "in the wings", \
                "details": {"finish_reason": "eos_token"}}""");

        assertThat(text).hasToString("in the wings");
        assertThat(reader.finishReason()).isEqualTo("eos_token");
    }

    @Test
    void anErrorIsKept() {
        feed("{\"error\": {\"message\": \"temperature is -1\", \"param\": \"temperature\"}}");

        assertThat(reader.error()).isEqualTo("temperature is -1");
        assertThat(text).isEmpty();
    }

    @Test
    void whatIsNotJsonIsReported() {
        feed("{broken");

        assertThat(reader.error()).contains("not JSON", "{broken");
    }

    private void feed(String answer) {
        reader.accept(answer.getBytes(StandardCharsets.UTF_8));
        reader.end();
    }
}
