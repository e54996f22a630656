package io.greenroom.plugin.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.GenerationUsage;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The exact bytes clients see. */
class AnswersTest {

    private static final GenerationUsage USAGE = new GenerationUsage(3, 2, 0, 0, 0);

    private static final String CHUNK =
            "data: {\"id\":\"id\",\"object\":\"chat.completion.chunk\",\"created\":17,\"model\":\"m\","
                    + "\"choices\":[{\"index\":0,\"delta\":%s,\"logprobs\":null,\"finish_reason\":%s}]}\n\n";

    /** Remembers what was written. */
    private static final class Written implements AnswerSink {

        private final StringBuilder text = new StringBuilder();
        private final boolean settable;
        private int status = 200;
        private int ends;

        Written(boolean settable) {
            this.settable = settable;
        }

        @Override
        public boolean fail(int code) {
            if (settable && text.isEmpty()) {
                status = code;
                return true;
            }
            return false;
        }

        @Override
        public void write(String piece) {
            assertThat(ends).isZero();
            text.append(piece);
        }

        @Override
        public void end() {
            ends++;
        }
    }

    private final Written written = new Written(true);

    private List<AnswerFormat> formats(String request, Written sink) throws RequestException {
        TextRequest read =
                TextRequest.read(
                        RequestJson.parse(request.getBytes(StandardCharsets.UTF_8)), () -> 1);
        return Answers.formats(read, "id", 17, "m", sink);
    }

    private AnswerFormat format(String request) throws RequestException {
        return formats(request, written).get(0);
    }

    private static String chat(String fields) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]" + fields + "}";
    }

    @Test
    void aWholeChat() throws Exception {
        AnswerFormat format = format(chat(""));
        format.token(1, "He");
        format.token(2, "l\"lo\u20ac");
        format.finish("<", Ending.END_TOKEN, USAGE);

        assertThat(written.text)
                .hasToString(
                        "{\"id\":\"id\",\"object\":\"chat.completion\",\"created\":17,\"model\":\"m\","
                                + "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                                + "\"content\":\"Hel\\\"lo\u20ac<\"},\"logprobs\":null,"
                                + "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,"
                                + "\"completion_tokens\":2,\"total_tokens\":5,"
                                + "\"greenroom\":{\"routing\":\"exact\",\"selections\":0,"
                                + "\"altered_selections\":0,\"fallback_selections\":0,"
                                + "\"lost_router_weight\":0.0,\"lost_router_weight_share\":0.0}}}");
        assertThat(written.ends).isEqualTo(1);
    }

    @Test
    void usageSaysHowAnAnswerWasRoutedAndWhatItCost() throws Exception {
        GenerationUsage usage =
                new GenerationUsage(
                        3,
                        2,
                        0,
                        0,
                        0,
                        RoutingDial.parse("biased:0.15"),
                        new RoutingCost(64, 16, 0, 20, 2.5));
        AnswerFormat format = format(chat(""));
        format.finish("a", Ending.END_TOKEN, usage);
        String told =
                "\"greenroom\":{\"routing\":\"biased:0.15\",\"selections\":64,"
                        + "\"altered_selections\":16,\"fallback_selections\":0,"
                        + "\"lost_router_weight\":2.5,\"lost_router_weight_share\":0.125}";
        assertThat(written.text.toString()).contains("\"total_tokens\":5," + told + "}}");

        Written stream = new Written(true);
        formats(chat(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"), stream)
                .get(0)
                .finish("a", Ending.END_TOKEN, usage);
        assertThat(stream.text.toString()).contains("\"total_tokens\":5," + told + "}}");

        Written plain = new Written(true);
        formats("{\"inputs\":\"In\",\"parameters\":{\"details\":true}}", plain)
                .get(0)
                .finish("a", Ending.END_TOKEN, usage);
        assertThat(plain.text.toString()).contains(told);
    }

    @Test
    void usageSaysWhatMixedPrecisionChanged() throws Exception {
        GenerationUsage usage =
                new GenerationUsage(
                        3,
                        2,
                        0,
                        0,
                        0,
                        RoutingDial.EXACT,
                        RoutingCost.NONE,
                        new PrecisionCost(64, 8, 4, 20, 2.5, 1000));
        AnswerFormat format = format(chat(""));
        format.finish("a", Ending.END_TOKEN, usage);
        assertThat(written.text.toString())
                .contains(
                        "\"lost_router_weight_share\":0.0,\"mixed_precision\":{\"selections\":64,"
                                + "\"low_bit_selections\":8,\"skipped_selections\":4,"
                                + "\"skipped_router_weight\":2.5,"
                                + "\"skipped_router_weight_share\":0.125,\"saved_bytes\":1000}}}");
    }

    @Test
    void aStreamedChat() throws Exception {
        AnswerFormat format = format(chat(",\"stream\":true"));
        format.token(1, "");
        format.token(2, "a\nb");
        format.finish("c", Ending.LENGTH, USAGE);

        assertThat(written.text)
                .hasToString(
                        String.format(CHUNK, "{\"role\":\"assistant\",\"content\":\"\"}", "null")
                                + String.format(CHUNK, "{\"content\":\"a\\nb\"}", "null")
                                + String.format(CHUNK, "{\"content\":\"c\"}", "null")
                                + String.format(CHUNK, "{}", "\"length\"")
                                + "data: [DONE]\n\n");
        assertThat(written.ends).isEqualTo(1);
    }

    @Test
    void anEmptyStreamStillHasARoleAndAReason() throws Exception {
        format(chat(",\"stream\":true")).finish("", Ending.STOP_STRING, USAGE);

        assertThat(written.text)
                .hasToString(
                        String.format(CHUNK, "{\"role\":\"assistant\",\"content\":\"\"}", "null")
                                + String.format(CHUNK, "{}", "\"stop\"")
                                + "data: [DONE]\n\n");
    }

    @Test
    void usageComesLastAndOnlyIfAskedFor() throws Exception {
        format(chat(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"))
                .finish("", Ending.LENGTH, USAGE);

        assertThat(written.text.toString())
                .contains("\"finish_reason\":\"length\"}],\"usage\":null}\n\n")
                .endsWith(
                        "\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,"
                                + "\"total_tokens\":5,\"greenroom\":{\"routing\":\"exact\",\"selections\":0,"
                                + "\"altered_selections\":0,\"fallback_selections\":0,"
                                + "\"lost_router_weight\":0.0,\"lost_router_weight_share\":0.0}}}\n\ndata: [DONE]\n\n");
    }

    @Test
    void failuresHaveAStatusAsLongAsThereCanBeOne() throws Exception {
        ApiError error = ApiError.internal("broken");
        String json =
                "{\"error\":{\"message\":\"broken\",\"type\":\"server_error\",\"param\":null,"
                        + "\"code\":null}}";
        for (String request :
                List.of(
                        chat(""),
                        chat(",\"stream\":true"),
                        "{\"inputs\":\"a\"}",
                        "{\"inputs\":\"a\",\"stream\":true}")) {
            Written early = new Written(true);
            formats(request, early).get(0).fail(error);
            assertThat(early.text).hasToString(json);
            assertThat(early.status).isEqualTo(500);
            assertThat(early.ends).isEqualTo(1);
        }
        Written events = new Written(false);
        formats(chat(",\"stream\":true"), events).get(0).fail(error);
        assertThat(events.text).hasToString("data: " + json + "\n\n");
        Written lines = new Written(false);
        formats("{\"inputs\":\"a\",\"stream\":true}", lines).get(0).fail(error);
        assertThat(lines.text).hasToString(json + "\n");
    }

    @Test
    void lmiWhole() throws Exception {
        AnswerFormat format =
                format("{\"inputs\":\"In\",\"parameters\":{\"return_full_text\":true}}");
        format.token(1, " a");
        format.finish(" b", Ending.END_TOKEN, USAGE);

        assertThat(written.text).hasToString("{\"generated_text\":\"In a b\"}");
    }

    @Test
    void lmiLines() throws Exception {
        AnswerFormat format =
                format("{\"inputs\":\"In\",\"stream\":true,\"parameters\":{\"details\":true}}");
        format.token(5, " a");
        format.token(6, "");
        format.finish("b", Ending.STOP_STRING, USAGE);

        assertThat(written.text)
                .hasToString(
                        "{\"token\":{\"id\":5,\"text\":\" a\"}}\n"
                                + "{\"token\":{\"id\":6,\"text\":\"\"}}\n"
                                + "{\"token\":{\"id\":-1,\"text\":\"b\"},\"generated_text\":\" ab\","
                                + "\"details\":{\"finish_reason\":\"stop_sequence\","
                                + "\"generated_tokens\":2,\"prompt_tokens\":3,\"inputs\":\"In\","
                                + "\"greenroom\":{\"routing\":\"exact\",\"selections\":0,"
                                + "\"altered_selections\":0,\"fallback_selections\":0,"
                                + "\"lost_router_weight\":0.0,\"lost_router_weight_share\":0.0}}}\n");
    }

    @Test
    void contentTypes() throws Exception {
        assertThat(type(chat(""))).isEqualTo("application/json");
        assertThat(type(chat(",\"stream\":true"))).isEqualTo("text/event-stream");
        assertThat(type("{\"inputs\":\"a\"}")).isEqualTo("application/json");
        assertThat(type("{\"inputs\":\"a\",\"stream\":true}")).isEqualTo("application/jsonlines");
    }

    private static String type(String request) throws RequestException {
        return Answers.contentType(
                TextRequest.read(
                        RequestJson.parse(request.getBytes(StandardCharsets.UTF_8)), () -> 1));
    }
}
