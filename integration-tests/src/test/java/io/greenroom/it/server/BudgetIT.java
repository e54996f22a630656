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
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code PUT /moe/models/{m}/budget} in a running server, under requests. */
@ServerSuite
class BudgetIT {

    private static final String MODEL = "budget-demo";
    private static final String URL_PATH = "/moe/models/" + MODEL + "/budget";

    @ArquillianResource private URL url;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        return TestModels.add(
                TestModels.archive("budget"),
                MODEL,
                TestModels.demo(),
                "option.expert_budget=100%");
    }

    @BeforeEach
    void connect() {
        server = new ServerClient(url);
    }

    @Test
    void budgetsChangeUnderRequestsWithoutAnyoneNoticing() {
        String expected = content(server.post("/v1/chat/completions", chat()));
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (String budget : List.of("25%", "100%", "30%", "60%", "25%")) {
            answers.add(server.postAsync("/v1/chat/completions", chat()));
            HttpResponse<String> changed = server.put(URL_PATH, budget(budget));
            assertThat(changed.statusCode()).as(changed.body()).isEqualTo(200);
            JsonObject json = ServerClient.json(changed);
            assertThat(json.get("expert_budget").getAsString()).isEqualTo(budget);
            JsonObject experts = server.status(MODEL).getAsJsonObject("experts");
            assertThat(experts.get("slots")).isEqualTo(json.getAsJsonObject("after").get("slots"));
            assertThat(experts.get("resident").getAsInt())
                    .isLessThanOrEqualTo(experts.get("slots").getAsInt());
        }
        for (CompletableFuture<HttpResponse<String>> answer : answers) {
            assertThat(content(answer.join())).isEqualTo(expected);
        }
    }

    @Test
    void refusalsSayWhy() {
        HttpResponse<String> small = server.put(URL_PATH, budget("10KiB"));
        assertThat(small.statusCode()).isEqualTo(400);
        assertThat(small.body()).contains("The smallest budget that works is");
        assertThat(server.put(URL_PATH, "{\"expert_budget\": ").statusCode()).isEqualTo(400);
        assertThat(server.put(URL_PATH, "{\"budget\": \"40%\"}").body())
                .contains("There is no field \\\"budget\\\" here");
        assertThat(server.put("/moe/models/nobody/budget", budget("40%")).statusCode())
                .isEqualTo(404);
        HttpResponse<String> read = server.get(URL_PATH);
        assertThat(read.statusCode()).isEqualTo(405);
        assertThat(read.headers().firstValue("allow")).hasValue("PUT");
    }

    private static JsonObject chat() {
        return ServerClient.chat(MODEL, "What is a hacker?", 12);
    }

    private static String budget(String text) {
        return "{\"expert_budget\": \"" + text + "\"}";
    }

    private static String content(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return ServerClient.content(ServerClient.json(response));
    }
}
