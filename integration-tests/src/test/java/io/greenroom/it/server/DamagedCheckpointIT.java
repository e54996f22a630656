package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import java.io.IOException;
import java.net.URL;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints that are damaged, before loading or while they serve. */
@ServerSuite
class DamagedCheckpointIT {

    private static final String HEALTHY = "healthy-demo";
    private static final String DAMAGED = "damaged-demo";

    @ArquillianResource private URL url;
    @TempDir private Path folder;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        return TestModels.add(TestModels.archive("healthy"), HEALTHY, TestModels.tiny());
    }

    @BeforeEach
    void connect() {
        server = new ServerClient(url);
    }

    @Test
    void aTruncatedCheckpointIsNotLoadedAndTheAnswerSaysWhy() throws IOException {
        Path file = model("option.expert_budget=25%");
        truncate(file, Files.size(file) / 2);

        HttpResponse<String> answer = refused(file);

        assertThat(answer.body()).contains(file.getFileName().toString());
        assertHealthy();
    }

    @Test
    void everyMistakeInTheOptionsIsListedAtOnce() throws IOException {
        Path file =
                model("option.expert_budget=much", "option.prefetch=perhaps", "option.bugdet=1");

        HttpResponse<String> answer = refused(file);

        assertThat(answer.body())
                .contains("expert_budget", "much", "prefetch", "perhaps", "bugdet");
        assertHealthy();
    }

    @Test
    void tooSmallABudgetIsRefusedWithTheSmallestThatWorks() throws IOException {
        Path file = model("option.expert_budget=1KiB");

        HttpResponse<String> answer = refused(file);

        assertThat(answer.body()).contains("1.0 KiB");
        assertHealthy();
    }

    @Test
    void aCheckpointTruncatedWhileServingFailsItsOwnRequestsOnly() throws IOException {
        Path file = model("option.expert_budget=25%", "option.prefetch=off");
        assertThat(server.register(DAMAGED, file.getParent()).statusCode()).isEqualTo(200);
        try {
            assertThat(chat(DAMAGED).statusCode()).isEqualTo(200);
            truncate(file, 4096);

            HttpResponse<String> answer = chat(DAMAGED);

            assertThat(answer.statusCode()).as(answer.body()).isBetween(500, 599);
            JsonObject error = ServerClient.json(answer).getAsJsonObject("error");
            assertThat(error.get("message").getAsString()).contains(file.getFileName().toString());
            assertHealthy();
        } finally {
            assertThat(server.delete("/models/" + DAMAGED).statusCode()).isEqualTo(200);
        }
        assertHealthy();
    }

    @Test
    void aCheckpointThatVanishesWhileServingLeavesTheServerWell() throws IOException {
        Path file = model("option.expert_budget=25%");
        assertThat(server.register(DAMAGED, file.getParent()).statusCode()).isEqualTo(200);
        try {
            Files.delete(file);

            // An open file outlives its name; whether this answers or fails, it says so plainly.
            HttpResponse<String> answer = chat(DAMAGED);

            assertThat(answer.statusCode()).isIn(200, 500, 503);
            assertHealthy();
        } finally {
            assertThat(server.delete("/models/" + DAMAGED).statusCode()).isEqualTo(200);
        }
        refused(file);
        assertHealthy();
    }

    /**
     * What the server says when it cannot load a model. DJL Serving answers first and takes the
     * model, which it lists as FAILED until then, off its list afterwards.
     */
    private HttpResponse<String> refused(Path file) {
        HttpResponse<String> answer = server.register(DAMAGED, file.getParent());
        assertThat(answer.statusCode()).as(answer.body()).isBetween(400, 599);
        ServerClient.await(
                "the refused model is off the list",
                () -> !server.get("/models").body().contains(DAMAGED));
        return answer;
    }

    private HttpResponse<String> chat(String model) {
        return server.post(
                "/v1/chat/completions", ServerClient.chat(model, "What is a hacker?", 16));
    }

    private void assertHealthy() {
        assertThat(chat(HEALTHY).statusCode()).isEqualTo(200);
        assertThat(server.get("/ping").statusCode()).isEqualTo(200);
    }

    private Path model(String... options) throws IOException {
        Path home = Files.createDirectory(folder.resolve(DAMAGED));
        Files.writeString(
                home.resolve("serving.properties"), TestModels.servingProperties(options));
        return Files.copy(TestModels.demo(), home.resolve("model.gguf"));
    }

    private static void truncate(Path file, long size) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        }
    }
}
