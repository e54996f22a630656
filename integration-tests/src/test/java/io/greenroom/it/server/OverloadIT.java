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
import org.junit.jupiter.api.Test;

/** More requests than a model has room for: those beyond get a reason, the others their answer. */
@ServerSuite
class OverloadIT {

    private static final String MODEL = "narrow-demo";
    private static final int REQUESTS = 12;

    @ArquillianResource private URL url;

    @Deployment(testable = false)
    static GenericArchive models() {
        return TestModels.add(
                TestModels.archive("narrow"),
                MODEL,
                TestModels.demo(),
                "option.expert_budget=25%",
                "option.max_concurrent=1",
                "option.max_queued=1");
    }

    @Test
    void whoFindsNoRoomIsToldToTryLater() {
        ServerClient server = new ServerClient(url);
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            JsonObject chat = ServerClient.chat(MODEL, "Tell me everything.", 64);
            answers.add(server.postAsync("/v1/chat/completions", chat));
        }

        int answered = 0;
        int refused = 0;
        for (CompletableFuture<HttpResponse<String>> answer : answers) {
            HttpResponse<String> response = answer.join();
            if (response.statusCode() == 200) {
                assertThat(ServerClient.content(ServerClient.json(response))).isNotEmpty();
                answered++;
            } else {
                assertThat(response.statusCode()).as(response.body()).isIn(429, 503);
                assertThat(
                                ServerClient.json(response)
                                        .getAsJsonObject("error")
                                        .get("message")
                                        .getAsString())
                        .containsAnyOf("queue", "overload", "later", "room");
                refused++;
            }
        }

        assertThat(answered).isBetween(1, REQUESTS - 1);
        assertThat(refused).isEqualTo(REQUESTS - answered);
        ServerClient.await("the model is idle", () -> server.running(MODEL) == 0);
        assertThat(
                        server.post("/v1/chat/completions", ServerClient.chat(MODEL, "And now?", 4))
                                .statusCode())
                .isEqualTo(200);
    }
}
