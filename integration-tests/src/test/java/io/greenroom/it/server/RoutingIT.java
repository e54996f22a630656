package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import java.net.URL;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Clients may trade tokens for reads, as far as the operator allows, and are told what it cost. */
@ServerSuite
class RoutingIT {

    private static final String EXACT = "routing-exact";
    private static final String OPEN = "routing-open";
    private static final String MILD = "routing-mild";
    private static final String QUESTION = "What is a hacker?";

    @ArquillianResource private URL url;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        GenericArchive archive = TestModels.archive("routing");
        TestModels.add(archive, EXACT, TestModels.demo(), "option.expert_budget=25%");
        TestModels.add(
                archive,
                OPEN,
                TestModels.demo(),
                "option.expert_budget=25%",
                "option.routing_limit=resident");
        return TestModels.add(
                archive,
                MILD,
                TestModels.demo(),
                "option.expert_budget=25%",
                "option.routing=biased:0.1",
                "option.routing_limit=biased:0.2");
    }

    @BeforeEach
    void connect() {
        server = new ServerClient(url);
    }

    @Test
    void requestsAreExactUnlessSomebodySaysOtherwise() {
        JsonObject usage = usage(chat(EXACT, null));
        assertThat(usage.get("routing").getAsString()).isEqualTo("exact");
        assertThat(usage.get("altered_selections").getAsLong()).isZero();
        assertThat(usage.get("lost_router_weight").getAsDouble()).isZero();
        assertThat(usage(chat(EXACT, "resident")).get("routing").getAsString())
                .as("the operator's limit holds")
                .isEqualTo("exact");
        assertThat(ServerClient.content(chat(EXACT, "resident")))
                .isEqualTo(ServerClient.content(chat(OPEN, null)));
    }

    @Test
    void aRequestGetsTheRoutingItAsksForUpToTheLimit() {
        assertThat(usage(chat(MILD, null)).get("routing").getAsString()).isEqualTo("biased:0.1");
        assertThat(usage(chat(MILD, "exact")).get("routing").getAsString()).isEqualTo("exact");
        assertThat(usage(chat(MILD, "resident")).get("routing").getAsString())
                .isEqualTo("biased:0.2");
        assertThat(ServerClient.content(chat(MILD, "exact")))
                .isEqualTo(ServerClient.content(chat(EXACT, null)));
    }

    @Test
    void theCostIsToldInWholeAnswersInStreamsAndInTheStatus() {
        JsonObject whole = usage(chat(OPEN, "biased:0.5"));
        long selections = whole.get("selections").getAsLong();
        assertThat(selections).isPositive();
        assertThat(whole.get("altered_selections").getAsLong()).isBetween(1L, selections);
        assertThat(whole.get("lost_router_weight").getAsDouble()).isPositive();
        assertThat(whole.get("lost_router_weight_share").getAsDouble()).isBetween(0.0, 1.0);

        JsonObject streaming = ServerClient.streaming(request(OPEN, "biased:0.5"));
        JsonObject options = new JsonObject();
        options.addProperty("include_usage", true);
        streaming.add("stream_options", options);
        List<String> lines;
        try (Stream<String> stream = server.postForLines("/v1/chat/completions", streaming)) {
            lines = stream.toList();
        }
        List<JsonObject> chunks = ServerClient.chunks(lines);
        JsonObject last = usage(chunks.get(chunks.size() - 1));
        assertThat(last.get("routing").getAsString()).isEqualTo("biased:0.5");
        assertThat(last.get("altered_selections").getAsLong()).isPositive();

        JsonObject routing = server.status(OPEN).getAsJsonObject("routing");
        assertThat(routing.get("standard").getAsString()).isEqualTo("exact");
        assertThat(routing.get("limit").getAsString()).isEqualTo("resident");
        assertThat(routing.get("selections").getAsLong())
                .isGreaterThanOrEqualTo(selections + last.get("selections").getAsLong());
    }

    @Test
    void plainRequestsMayAskToo() {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("max_new_tokens", 10);
        parameters.addProperty("details", true);
        parameters.addProperty("routing", "resident");
        JsonObject request = new JsonObject();
        request.addProperty("inputs", "In the beginning");
        request.add("parameters", parameters);

        HttpResponse<String> answer = server.post("/invocations?model_name=" + OPEN, request);

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        JsonObject told =
                ServerClient.json(answer).getAsJsonObject("details").getAsJsonObject("greenroom");
        assertThat(told.get("routing").getAsString()).isEqualTo("resident");
        assertThat(told.get("selections").getAsLong()).isPositive();
    }

    @Test
    void whatIsNoRoutingIsRefusedWithWhatIs() {
        HttpResponse<String> answer =
                server.post("/v1/chat/completions", request(OPEN, "biased:-1"));

        assertThat(answer.statusCode()).isEqualTo(400);
        JsonObject error = ServerClient.json(answer).getAsJsonObject("error");
        assertThat(error.get("param").getAsString()).isEqualTo("routing");
        assertThat(error.get("message").getAsString())
                .isEqualTo(
                        "\"routing\" is \"biased:-1\"; expected exact, biased:N with N from 0 to 1"
                                + " (such as biased:0.15), or resident");
    }

    @Test
    void exactRequestsAreExactWhileOthersYield() {
        String alone = ServerClient.content(chat(OPEN, "exact"));
        List<CompletableFuture<HttpResponse<String>>> exact = new ArrayList<>();
        List<CompletableFuture<HttpResponse<String>>> others = new ArrayList<>();
        for (String routing : List.of("resident", "biased:0.3", "resident")) {
            others.add(server.postAsync("/v1/chat/completions", request(OPEN, routing)));
            exact.add(server.postAsync("/v1/chat/completions", request(OPEN, "exact")));
        }

        for (CompletableFuture<HttpResponse<String>> answer : exact) {
            assertThat(ServerClient.content(ServerClient.json(answer.join()))).isEqualTo(alone);
        }
        for (CompletableFuture<HttpResponse<String>> answer : others) {
            assertThat(answer.join().statusCode()).isEqualTo(200);
        }
    }

    private JsonObject chat(String model, String routing) {
        HttpResponse<String> answer = server.post("/v1/chat/completions", request(model, routing));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return ServerClient.json(answer);
    }

    private static JsonObject request(String model, String routing) {
        JsonObject request = ServerClient.chat(model, QUESTION, 16);
        if (routing != null) {
            request.addProperty("routing", routing);
        }
        return request;
    }

    private static JsonObject usage(JsonObject answer) {
        return answer.getAsJsonObject("usage").getAsJsonObject("greenroom");
    }
}
