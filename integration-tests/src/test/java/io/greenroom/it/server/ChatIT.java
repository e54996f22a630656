package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import java.net.URL;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A loaded model answers on every path that leads to it, and says the same on each. */
@ServerSuite
class ChatIT {

    private static final String MODEL = "chat-demo";
    private static final String QUESTION = "What is a hacker?";

    @ArquillianResource private URL url;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        return TestModels.add(
                TestModels.archive("chat"), MODEL, TestModels.demo(), "option.expert_budget=25%");
    }

    @BeforeEach
    void connect() {
        server = new ServerClient(url);
    }

    @Test
    void theModelIsListedAndHealthy() {
        assertThat(server.get("/ping").statusCode()).isEqualTo(200);
        assertThat(server.get("/models").body()).contains(MODEL);

        JsonObject openAi = ServerClient.json(server.get("/v1/models"));
        assertThat(openAi.get("object").getAsString()).isEqualTo("list");
        assertThat(openAi.toString()).contains("\"id\":\"" + MODEL + "\"");
    }

    @Test
    void itsBudgetHoldsAndCanBeSeen() {
        server.post("/v1/chat/completions", ServerClient.chat(MODEL, QUESTION, 8));

        JsonObject status = server.status(MODEL);

        JsonObject memory = status.getAsJsonObject("memory");
        long budget = memory.get("expert_budget_bytes").getAsLong();
        assertThat(budget).isPositive();
        assertThat(memory.get("expert_arena_bytes").getAsLong()).isBetween(1L, budget);
        JsonObject experts = status.getAsJsonObject("experts");
        assertThat(experts.get("resident").getAsInt()).isLessThan(experts.get("total").getAsInt());
    }

    @Test
    void aChatIsAnswered() {
        HttpResponse<String> answer =
                server.post("/v1/chat/completions", ServerClient.chat(MODEL, QUESTION, 12));

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        JsonObject chat = ServerClient.json(answer);
        assertThat(chat.get("object").getAsString()).isEqualTo("chat.completion");
        assertThat(chat.get("model").getAsString()).isEqualTo(MODEL);
        assertThat(ServerClient.content(chat)).isNotEmpty();
        JsonObject choice = chat.getAsJsonArray("choices").get(0).getAsJsonObject();
        assertThat(choice.get("finish_reason").getAsString()).isIn("length", "stop");
        JsonObject usage = chat.getAsJsonObject("usage");
        int completion = usage.get("completion_tokens").getAsInt();
        assertThat(completion).isBetween(1, 12);
        assertThat(usage.get("total_tokens").getAsInt())
                .isEqualTo(usage.get("prompt_tokens").getAsInt() + completion);
    }

    @Test
    void aStreamSaysWhatTheWholeAnswerSays() {
        JsonObject request = ServerClient.chat(MODEL, QUESTION, 24);
        String whole =
                ServerClient.content(
                        ServerClient.json(server.post("/v1/chat/completions", request)));
        JsonObject options = new JsonObject();
        options.addProperty("include_usage", true);
        JsonObject streaming = ServerClient.streaming(request);
        streaming.add("stream_options", options);

        List<String> lines;
        try (Stream<String> stream = server.postForLines("/v1/chat/completions", streaming)) {
            lines = stream.filter(line -> !line.isEmpty()).toList();
        }

        assertThat(lines).allMatch(line -> line.startsWith("data: "));
        assertThat(lines.get(lines.size() - 1)).isEqualTo("data: [DONE]");
        List<JsonObject> chunks = ServerClient.chunks(lines);
        assertThat(chunks.stream().map(ServerClient::delta).collect(Collectors.joining()))
                .isEqualTo(whole);
        assertThat(ServerClient.finishReason(chunks)).isIn("length", "stop");
        assertThat(chunks)
                .allMatch(c -> c.get("object").getAsString().equals("chat.completion.chunk"));
        JsonObject last = chunks.get(chunks.size() - 1);
        assertThat(last.getAsJsonObject("usage").get("completion_tokens").getAsInt())
                .isBetween(1, 24);
    }

    @Test
    void plainRequestsAreContinued() {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("max_new_tokens", 10);
        JsonObject request = new JsonObject();
        request.addProperty("inputs", "In the beginning");
        request.add("parameters", parameters);

        HttpResponse<String> prediction = server.post("/predictions/" + MODEL, request);
        HttpResponse<String> invocation = server.post("/invocations?model_name=" + MODEL, request);

        assertThat(prediction.statusCode()).as(prediction.body()).isEqualTo(200);
        String text =
                JsonParser.parseString(prediction.body())
                        .getAsJsonObject()
                        .get("generated_text")
                        .getAsString();
        assertThat(text).isNotEmpty();
        assertThat(ServerClient.json(invocation).get("generated_text").getAsString())
                .isEqualTo(text);
    }

    @Test
    void stopStringsEndTheAnswerBeforeThem() {
        JsonObject request = ServerClient.chat(MODEL, QUESTION, 24);
        String whole =
                ServerClient.content(
                        ServerClient.json(server.post("/v1/chat/completions", request)));
        String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 2);
        JsonArray stops = new JsonArray();
        stops.add(stop);
        request.add("stop", stops);

        JsonObject stopped = ServerClient.json(server.post("/v1/chat/completions", request));

        assertThat(ServerClient.content(stopped))
                .isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(stopped.toString()).contains("\"finish_reason\":\"stop\"");
    }

    @Test
    void theSameSeedDrawsTheSameText() {
        JsonObject request = ServerClient.chat(MODEL, QUESTION, 16);
        request.addProperty("temperature", 0.9);
        request.addProperty("seed", 7);

        String first =
                ServerClient.content(
                        ServerClient.json(server.post("/v1/chat/completions", request)));
        String second =
                ServerClient.content(
                        ServerClient.json(server.post("/v1/chat/completions", request)));

        assertThat(second).isEqualTo(first);
    }
}
