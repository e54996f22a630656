package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import java.io.InputStream;
import java.net.Socket;
import java.net.URL;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a client may get wrong: each answer names the field, and the server goes on. */
@ServerSuite
class BadRequestIT {

    private static final String MODEL = "strict-demo";
    private static final String CHAT = "/v1/chat/completions";
    private static final int HUNDRED_MEGABYTES = 100_000_000;

    @ArquillianResource private URL url;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        return TestModels.add(
                TestModels.archive("strict"),
                MODEL,
                TestModels.demo(),
                "option.expert_budget=25%",
                "option.context_length=128");
    }

    @BeforeEach
    void connect() {
        server = new ServerClient(url);
    }

    @AfterEach
    void theServerGoesOn() {
        HttpResponse<String> answer = server.post(CHAT, ServerClient.chat(MODEL, "Still well?", 2));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(server.get("/ping").statusCode()).isEqualTo(200);
    }

    /** What is wrong, what is done to a good request, and the field the answer must name. */
    static Stream<Arguments> mistakes() {
        return Stream.of(
                mistake(
                        "negative temperature",
                        "temperature",
                        r -> r.addProperty("temperature", -1)),
                mistake(
                        "temperature as text",
                        "temperature",
                        r -> r.addProperty("temperature", "hot")),
                mistake("top_p of 7", "top_p", r -> r.addProperty("top_p", 7)),
                mistake("top_k as fraction", "top_k", r -> r.addProperty("top_k", 1.5)),
                mistake("max_tokens of 0", "max_tokens", r -> r.addProperty("max_tokens", 0)),
                mistake(
                        "max_tokens as object",
                        "max_tokens",
                        r -> r.add("max_tokens", new JsonObject())),
                mistake("hundred stop strings", "stop", r -> r.add("stop", strings(100))),
                mistake("stop of numbers", "stop", r -> r.add("stop", numbers())),
                mistake("stream as text", "stream", r -> r.addProperty("stream", "yes")),
                mistake("no messages", "messages", r -> r.remove("messages")),
                mistake("empty messages", "messages", r -> r.add("messages", new JsonArray())),
                mistake("messages as text", "messages", r -> r.addProperty("messages", "hello")),
                mistake(
                        "unknown role",
                        "messages[0].role",
                        r -> first(r).addProperty("role", "king")),
                mistake(
                        "content as number",
                        "messages[0].content",
                        r -> first(r).addProperty("content", 7)),
                mistake("unsupported n", "n", r -> r.addProperty("n", 3)),
                mistake(
                        "penalty of 9",
                        "presence_penalty",
                        r -> r.addProperty("presence_penalty", 9)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("mistakes")
    void aMistakeIsNamed(String what, String field, Consumer<JsonObject> spoil) {
        JsonObject request = ServerClient.chat(MODEL, "Hello", 4);
        spoil.accept(request);

        HttpResponse<String> answer = server.post(CHAT, request);

        JsonObject error = error(answer, 400);
        assertThat(error.get("param").getAsString()).isEqualTo(field);
        assertThat(error.get("message").getAsString()).contains(field);
        assertThat(error.get("type").getAsString()).isEqualTo("invalid_request_error");
    }

    @ParameterizedTest(name = "{0}, streamed")
    @MethodSource("mistakes")
    void aMistakeIsNamedBeforeAStreamBegins(String what, String field, Consumer<JsonObject> spoil) {
        JsonObject request = ServerClient.streaming(ServerClient.chat(MODEL, "Hello", 4));
        spoil.accept(request);

        assertThat(error(server.post(CHAT, request), 400).get("param").getAsString())
                .isEqualTo(field);
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "7",
                "null",
                "{\"messages\": [}",
                "\u0000\u0001",
                "{\"a\":1}{}"
            })
    void whatIsNotAJsonObjectIsRefused(String body) {
        JsonObject error = error(server.post(CHAT, body), 400);

        assertThat(error.get("message").getAsString()).containsIgnoringCase("json");
    }

    @Test
    void anUnknownModelIsNamedTogetherWithTheKnownOnes() {
        JsonObject error =
                error(server.post(CHAT, ServerClient.chat("no-such-model", "Hello", 4)), 404);

        assertThat(error.get("param").getAsString()).isEqualTo("model");
        assertThat(error.get("code").getAsString()).isEqualTo("model_not_found");
        assertThat(error.get("message").getAsString()).contains("no-such-model", MODEL);
    }

    @Test
    void tooLongAPromptIsToldTheNumbers() {
        JsonObject error =
                error(server.post(CHAT, ServerClient.chat(MODEL, "word ".repeat(2000), 4)), 400);

        assertThat(error.get("message").getAsString()).contains("128");
        assertThat(error.get("code").getAsString()).isEqualTo("context_length_exceeded");
        assertThat(error.get("param").getAsString()).isEqualTo("messages");
    }

    @Test
    void plainRequestsAreCheckedToo() {
        HttpResponse<String> answer =
                server.post(
                        "/predictions/" + MODEL,
                        "{\"inputs\": \"x\", \"parameters\": {\"temperature\": -1}}");

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.body()).contains("parameters.temperature", "-1");
        assertThat(server.post("/predictions/" + MODEL, "{\"inputs\": 7}").body())
                .contains("inputs");
    }

    @Test
    void aBodyOfAHundredMegabytesIsRefused() throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(server.uri(CHAT))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofInputStream(() -> spaces(HUNDRED_MEGABYTES)));

        int status;
        try {
            status = server.send(request).statusCode();
        } catch (IllegalStateException cutOff) {
            // A server may close on such a sender before the answer gets through.
            assertThat(cutOff).hasCauseInstanceOf(java.io.IOException.class);
            status = 413;
        }

        assertThat(status).isEqualTo(413);
    }

    @Test
    void announcingAHundredMegabytesIsEnoughToBeRefused() throws Exception {
        try (Socket socket = new Socket(url.getHost(), url.getPort())) {
            String head =
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: it\r\n"
                            + "Content-Type: application/json\r\nContent-Length: "
                            + HUNDRED_MEGABYTES
                            + "\r\n\r\n";
            socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().flush();

            byte[] answer = socket.getInputStream().readNBytes("HTTP/1.1 413".length());

            assertThat(answer).asString().isEqualTo("HTTP/1.1 413");
        }
    }

    @Test
    void unknownPathsAreNotFound() {
        assertThat(server.get("/v1/nothing").statusCode()).isEqualTo(404);
        assertThat(server.get("/moe/models/no-such-model").statusCode()).isEqualTo(404);
        assertThat(server.delete("/models/no-such-model").statusCode()).isEqualTo(404);
    }

    private static JsonObject error(HttpResponse<String> answer, int status) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("content-type").orElse(""))
                .startsWith("application/json");
        return ServerClient.json(answer).getAsJsonObject("error");
    }

    private static Arguments mistake(String what, String field, Consumer<JsonObject> spoil) {
        return Arguments.of(what, field, spoil);
    }

    private static JsonObject first(JsonObject request) {
        return request.getAsJsonArray("messages").get(0).getAsJsonObject();
    }

    private static JsonElement strings(int count) {
        JsonArray strings = new JsonArray();
        for (int i = 0; i < count; i++) {
            strings.add("stop " + i);
        }
        return strings;
    }

    private static JsonElement numbers() {
        JsonArray numbers = new JsonArray();
        numbers.add(1);
        return numbers;
    }

    private static InputStream spaces(int length) {
        return new InputStream() {
            private int left = length;

            @Override
            public int read() {
                return left-- > 0 ? ' ' : -1;
            }

            @Override
            public int read(byte[] to, int offset, int count) {
                if (left <= 0) {
                    return -1;
                }
                int filled = Math.min(left, count);
                java.util.Arrays.fill(to, offset, offset + filled, (byte) ' ');
                left -= filled;
                return filled;
            }
        };
    }
}
