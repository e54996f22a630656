package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Clients that leave, and models that leave. */
@ServerSuite
class LeavingIT {

    private static final String MODEL = "leaving-demo";

    /** More than a request of these tests produces before it is ended. */
    private static final int LONG = 1500;

    @ArquillianResource private URL url;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        GenericArchive archive = TestModels.archive("leaving");
        TestModels.add(archive, "staying", TestModels.tiny());
        return TestModels.add(archive, MODEL, TestModels.demo(), "option.expert_budget=25%");
    }

    @BeforeEach
    void connect() {
        server = new ServerClient(url);
    }

    @Test
    void aClientThatLeavesMidStreamEndsItsGeneration() throws IOException {
        long before = tokensOut();
        try (Socket socket = begin(endless(true))) {
            BufferedReader answer = reader(socket);
            String line;
            do {
                line = answer.readLine();
                assertThat(line).as("a line of the stream").isNotNull();
            } while (!line.startsWith("data:"));
            assertThat(server.running(MODEL)).isEqualTo(1);
        }

        assertEndsEarly(before);
        assertServes();
    }

    @Test
    void aClientThatLeavesBeforeAnyAnswerEndsItsGenerationToo() throws IOException {
        long before = tokensOut();
        try (Socket socket = begin(endless(false))) {
            ServerClient.await("generation begun", () -> server.running(MODEL) == 1);
            assertThat(socket.isConnected()).isTrue();
        }

        assertEndsEarly(before);
        assertServes();
    }

    @Test
    void unloadingEndsStreamsWithAReason() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<List<String>> stream =
                CompletableFuture.supplyAsync(
                        () -> {
                            try (Stream<String> lines =
                                    server.postForLines("/v1/chat/completions", endless(true))) {
                                return lines.peek(line -> begun.countDown()).toList();
                            }
                        });
        begun.await();

        assertThat(server.delete("/models/" + MODEL).statusCode()).isEqualTo(200);

        List<String> lines = stream.get();
        assertThat(lines.stream().filter(line -> !line.isEmpty()).reduce((a, b) -> b))
                .hasValueSatisfying(last -> assertThat(last).contains("error", "unloaded"));
        assertThat(
                        server.post(
                                        "/v1/chat/completions",
                                        ServerClient.chat(MODEL, "Still there?", 4))
                                .statusCode())
                .isEqualTo(404);
        reload();
        assertServes();
    }

    private void assertEndsEarly(long before) {
        ServerClient.await("generation ended", () -> server.running(MODEL) == 0);
        assertThat(tokensOut() - before).as("tokens for a client that left").isLessThan(LONG / 2);
    }

    private long tokensOut() {
        return server.status(MODEL).getAsJsonObject("requests").get("tokens_out").getAsLong();
    }

    private void reload() {
        String folder =
                System.getProperty("user.dir")
                        + "/target/it/"
                        + System.getProperty("arquillian.launch")
                        + "/deployments/leaving.models/"
                        + MODEL;
        assertThat(server.register(MODEL, java.nio.file.Path.of(folder)).statusCode())
                .isEqualTo(200);
    }

    private void assertServes() {
        assertThat(
                        server.post(
                                        "/v1/chat/completions",
                                        ServerClient.chat(MODEL, "Are you well?", 4))
                                .statusCode())
                .isEqualTo(200);
    }

    private static JsonObject endless(boolean stream) {
        JsonObject chat = ServerClient.chat(MODEL, "Tell me everything.", LONG);
        chat.addProperty("stream", stream);
        // Hot enough that the end token is as unlikely as any other.
        chat.addProperty("temperature", 2);
        chat.addProperty("seed", 1);
        return chat;
    }

    private Socket begin(JsonObject chat) throws IOException {
        byte[] body = chat.toString().getBytes(StandardCharsets.UTF_8);
        Socket socket = new Socket(url.getHost(), url.getPort());
        String head =
                "POST /v1/chat/completions HTTP/1.1\r\nHost: it\r\n"
                        + "Content-Type: application/json\r\nContent-Length: "
                        + body.length
                        + "\r\n\r\n";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(body);
        socket.getOutputStream().flush();
        return socket;
    }

    private static BufferedReader reader(Socket socket) throws IOException {
        return new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }
}
