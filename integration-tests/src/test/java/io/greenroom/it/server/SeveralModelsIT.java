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

/** The same model twice at different budgets, and another one: all at the same time. */
@ServerSuite
class SeveralModelsIT {

    private static final String SMALL = "several-small";
    private static final String FULL = "several-full";
    private static final String OTHER = "several-other";

    @ArquillianResource private URL url;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        GenericArchive archive = TestModels.archive("several");
        TestModels.add(archive, SMALL, TestModels.demo(), "option.expert_budget=25%");
        TestModels.add(archive, FULL, TestModels.demo(), "option.expert_budget=100%");
        return TestModels.add(archive, OTHER, TestModels.tiny());
    }

    @BeforeEach
    void connect() {
        server = new ServerClient(url);
    }

    @Test
    void aQuarterOfTheExpertsSaysWhatAllOfThemSay() {
        for (String question : List.of("What is a hacker?", "In the beginning", "public class")) {
            assertThat(answer(SMALL, question)).isEqualTo(answer(FULL, question));
        }
        assertThat(arenaBytes(SMALL)).isPositive().isLessThanOrEqualTo(arenaBytes(FULL) / 3);
    }

    private long arenaBytes(String model) {
        return server.status(model).getAsJsonObject("memory").get("expert_arena_bytes").getAsLong();
    }

    @Test
    void requestsToAllAtOnceAreAnsweredAsAlone() {
        String alone = answer(SMALL, "What is a hacker?");
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            for (String model : List.of(SMALL, FULL, OTHER)) {
                answers.add(
                        server.postAsync(
                                "/v1/chat/completions",
                                ServerClient.chat(model, "What is a hacker?", 12)));
            }
        }

        for (CompletableFuture<HttpResponse<String>> answer : answers) {
            HttpResponse<String> response = answer.join();
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            JsonObject chat = ServerClient.json(response);
            if (!chat.get("model").getAsString().equals(OTHER)) {
                assertThat(ServerClient.content(chat)).isEqualTo(alone);
            }
        }
    }

    private String answer(String model, String question) {
        HttpResponse<String> response =
                server.post("/v1/chat/completions", ServerClient.chat(model, question, 12));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return ServerClient.content(ServerClient.json(response));
    }
}
