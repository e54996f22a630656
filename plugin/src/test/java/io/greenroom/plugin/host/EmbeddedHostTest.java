package io.greenroom.plugin.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.inference.streaming.PublisherBytesSupplier;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.ndarray.BytesSupplier;
import ai.djl.translate.TranslateException;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EmbeddedHostTest {

    private static final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @TempDir Path store;
    private EmbeddedHost host;

    @BeforeEach
    void startEmpty() throws IOException {
        ScriptedEngine.register();
        host = EmbeddedHost.start(HostSettings.onPort(0), List.of());
    }

    @AfterEach
    void stop() {
        host.close();
    }

    @Test
    void pingNamesEveryModelAndItsHealth() throws Exception {
        assertThat(get("/ping").statusCode()).isEqualTo(200);
        load("calm", input -> text("ok"));
        assertThat(get("/ping").body()).contains("calm", "Healthy");

        ScriptedEngine.model("calm").setProperty("failed", "1");
        assertThat(get("/ping").statusCode()).isEqualTo(500);
    }

    @Test
    void closingEndsTheStreamsOfPages() throws Exception {
        try (Stream<String> lines =
                client.send(
                                HttpRequest.newBuilder(uri("/moe/events")).build(),
                                BodyHandlers.ofLines())
                        .body()) {
            Iterator<String> events = lines.iterator();
            assertThat(events.next()).startsWith("retry: ");
            host.close();
            // A stream that is cut instead of ended fails here.
            events.forEachRemaining(line -> assertThat(line).doesNotContain("error"));
        }
    }

    @Test
    void servingPropertiesBecomeOptionsAndProperties() throws Exception {
        load("configured", input -> text("ok"), "option.expert_budget=25%", "custom=7");

        ScriptedEngine.ScriptedModel model = ScriptedEngine.model("configured");
        assertThat(model.options).isEqualTo(Map.of("expert_budget", "25%"));
        assertThat(model.propertiesAtLoad).containsEntry("custom", "7");
    }

    @Test
    void aRequestReachesTheModelAsTheServerWouldPassIt() throws Exception {
        load(
                "echo",
                input -> {
                    Output output =
                            text(
                                    input.getAsString("data")
                                            + "|"
                                            + input.getAsString("extra")
                                            + "|"
                                            + input.getProperty("x-mine", "none")
                                            + "|"
                                            + (input.getProperty("requestId", "").length() > 0));
                    output.addProperty("Content-Type", "text/x-echo");
                    return output;
                });

        HttpResponse<String> answer =
                client.send(
                        post("/predictions/echo?extra=more", "body").header("x-mine", "m").build(),
                        BodyHandlers.ofString());

        assertThat(answer.body()).isEqualTo("body|more|m|true");
        assertThat(answer.headers().firstValue("content-type")).hasValue("text/x-echo");
        assertThat(answer.headers().firstValue("x-request-id")).isPresent();
    }

    @Test
    void aFormBecomesNamedContent() throws Exception {
        load("form", input -> text(input.getAsString("a") + input.getAsString("b")));

        HttpRequest request =
                HttpRequest.newBuilder(uri("/predictions/form"))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(BodyPublishers.ofString("a=1&b=2"))
                        .build();

        assertThat(client.send(request, BodyHandlers.ofString()).body()).isEqualTo("12");
    }

    @Test
    void theOnlyStartupModelNeedsNoName() throws Exception {
        host.close();
        Path folder = folder("single", "engine=Scripted");
        ScriptedEngine.script("single", input -> text("here"));
        host =
                EmbeddedHost.start(
                        HostSettings.onPort(0), List.of(ModelDefinition.read("single", folder)));

        assertThat(send(post("/invocations", "x")).body()).isEqualTo("here");
    }

    @Test
    void withoutAnyNameOrSingleModelTheRequestIsRefused() throws Exception {
        HttpResponse<String> answer = send(post("/invocations", "x"));

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.body()).contains("model_name is required");
    }

    @Test
    void failuresHaveTheServersStatuses() throws Exception {
        load(
                "faulty",
                input -> {
                    switch (input.getAsString("data")) {
                        case "translate" -> throw new TranslateException("cannot read that");
                        case "crash" -> throw new IllegalStateException("worker broke");
                        default -> {
                            Output output = new Output(429, "slow down");
                            output.add("{\"why\":\"busy\"}");
                            return output;
                        }
                    }
                });

        HttpResponse<String> translate = send(post("/predictions/faulty", "translate"));
        assertThat(translate.statusCode()).isEqualTo(400);
        assertThat(json(translate).get("message").getAsString()).isEqualTo("cannot read that");
        assertThat(send(post("/predictions/faulty", "crash")).statusCode()).isEqualTo(503);
        HttpResponse<String> busy = send(post("/predictions/faulty", "busy"));
        assertThat(busy.statusCode()).isEqualTo(429);
        assertThat(busy.body()).contains("busy");
        assertThat(send(post("/predictions/nobody", "x")).statusCode()).isEqualTo(404);
        assertThat(get("/nowhere").statusCode()).isEqualTo(404);
    }

    @Test
    void modelsAreLoadedListedDescribedAndUnloaded() throws Exception {
        ScriptedEngine.script("late", input -> text("ok"));
        Path folder = folder("late", "engine=Scripted");

        String register = "/models?url=" + folder.toUri() + "&model_name=second";
        assertThat(send(post(register, "")).statusCode()).isEqualTo(200);
        assertThat(send(post(register, "")).statusCode()).isEqualTo(409);
        assertThat(get("/models").body()).contains("\"modelName\": \"second\"", "READY");
        assertThat(get("/models/second").body()).contains("\"workers\": 1");
        assertThat(delete("/models/second").statusCode()).isEqualTo(200);
        assertThat(ScriptedEngine.model("late").closed).isTrue();
        assertThat(delete("/models/second").statusCode()).isEqualTo(404);
        assertThat(get("/models/second").statusCode()).isEqualTo(404);
    }

    @Test
    void aModelMayBeRegisteredByJson() throws Exception {
        ScriptedEngine.script("json", input -> text("ok"));
        JsonObject body = new JsonObject();
        body.addProperty("url", folder("json", "engine=Scripted").toString());
        body.addProperty("model_name", "byJson");

        assertThat(send(post("/models", body.toString())).statusCode()).isEqualTo(200);
        assertThat(get("/models").body()).contains("byJson");
        assertThat(send(post("/models", "[1]")).statusCode()).isEqualTo(400);
        assertThat(send(post("/models", "{}")).body()).contains("url is required");
    }

    @Test
    void modelsThatCannotBeLoadedSayWhy() throws Exception {
        ScriptedEngine.script("broken", input -> text("ok"));

        assertThat(register(store.resolve("absent")).statusCode()).isEqualTo(404);
        assertThat(register(folder("broken", "engine=Nope")).body())
                .contains("no engine named Nope", "Scripted", "MoE");
        assertThat(register(folder("broken", "engine=Scripted", "option.broken=1")).statusCode())
                .isEqualTo(400);
        assertThat(
                        register(folder("broken", "engine=Scripted", "option.unreadable=1"))
                                .statusCode())
                .isEqualTo(500);
        assertThat(register(folder("broken", "engine=Scripted", "minWorkers=many")).body())
                .contains("minWorkers is \\\"many\\\", expected a whole number of at least 1");
        HttpResponse<String> remote = send(post("/models?url=https://example.org/m.zip", ""));
        assertThat(remote.statusCode()).isEqualTo(400);
        assertThat(remote.body()).contains("local folders and files only");
        assertThat(get("/models").body()).doesNotContain("broken");
    }

    @Test
    void pagesOfOtherSitesCannotManageModels() throws Exception {
        HttpRequest request =
                post("/models?url=" + store.toUri(), "")
                        .header("Origin", "http://evil.example")
                        .build();

        HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());

        assertThat(answer.statusCode()).isEqualTo(403);
        assertThat(answer.body()).contains("evil.example");
    }

    @Test
    void aFullQueueAnswers503() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        load(
                "busy",
                input -> {
                    started.countDown();
                    release.await();
                    return text("done");
                },
                "job_queue_size=1");
        CompletableFuture<HttpResponse<String>> running = sendAsync(post("/predictions/busy", "1"));
        started.await();
        // One runs; of these two one waits and the other finds no room.
        BlockingQueue<Integer> statuses = new LinkedBlockingQueue<>();
        for (String body : List.of("2", "3")) {
            sendAsync(post("/predictions/busy", body))
                    .thenAccept(answer -> statuses.add(answer.statusCode()));
        }

        assertThat(statuses.take()).isEqualTo(503);
        release.countDown();
        assertThat(statuses.take()).isEqualTo(200);
        assertThat(running.get().statusCode()).isEqualTo(200);
    }

    @Test
    void unloadingAnswersThoseWhoWait() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        load(
                "leaving",
                input -> {
                    started.countDown();
                    new CountDownLatch(1).await();
                    return text("never");
                });
        CompletableFuture<HttpResponse<String>> running =
                sendAsync(post("/predictions/leaving", "1"));
        started.await();
        CompletableFuture<HttpResponse<String>> waiting =
                sendAsync(post("/predictions/leaving", "2"));
        while (!get("/models/leaving").body().contains("\"queueLength\": 1")) {
            Thread.onSpinWait();
        }

        assertThat(delete("/models/leaving").statusCode()).isEqualTo(200);

        assertThat(running.get().statusCode()).isEqualTo(503);
        assertThat(waiting.get().statusCode()).isEqualTo(503);
        assertThat(waiting.get().body()).contains("unloaded");
    }

    @Test
    void streamsArriveChunkByChunk() throws Exception {
        PublisherBytesSupplier supplier = new PublisherBytesSupplier();
        load("stream", input -> streaming(supplier));

        HttpResponse<InputStream> answer =
                client.send(post("/predictions/stream", "x").build(), BodyHandlers.ofInputStream());
        assertThat(answer.headers().firstValue("transfer-encoding")).hasValue("chunked");
        try (InputStream body = answer.body()) {
            supplier.appendContent("one ".getBytes(StandardCharsets.UTF_8), false);
            assertThat(body.readNBytes(4)).asString().isEqualTo("one ");
            supplier.appendContent(new byte[0], false);
            supplier.appendContent("two".getBytes(StandardCharsets.UTF_8), true);
            assertThat(body.readAllBytes()).asString().isEqualTo("two");
        }
    }

    @Test
    void aClientThatLeavesCancelsItsInput() throws Exception {
        BlockingQueue<Input> inputs = new LinkedBlockingQueue<>();
        PublisherBytesSupplier supplier = new PublisherBytesSupplier();
        load(
                "left",
                input -> {
                    inputs.add(input);
                    return streaming(supplier);
                });
        try (Socket socket = new Socket("127.0.0.1", host.port())) {
            write(
                    socket,
                    "POST /predictions/left HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
            supplier.appendContent("first".getBytes(StandardCharsets.UTF_8), false);
            readUntil(socket, "first");
        }

        Input input = inputs.take();
        while (!input.isCancelled()) {
            Thread.onSpinWait();
        }
        assertThat(get("/ping").statusCode()).isEqualTo(200);
    }

    @Test
    void aClientThatDoesNotReadIsClosed() throws Exception {
        host.close();
        host =
                EmbeddedHost.start(
                        new HostSettings("127.0.0.1", 0, 1 << 20, 1 << 20, 10), List.of());
        BlockingQueue<Input> inputs = new LinkedBlockingQueue<>();
        PublisherBytesSupplier supplier = new PublisherBytesSupplier();
        load(
                "flood",
                input -> {
                    inputs.add(input);
                    return streaming(supplier);
                });
        try (Socket socket = new Socket("127.0.0.1", host.port())) {
            write(
                    socket,
                    "POST /predictions/flood HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
            Input input = inputs.take();
            byte[] chunk = new byte[64 * 1024];
            long sent = 0;
            while (!input.isCancelled()) {
                supplier.appendContent(chunk, false);
                sent += chunk.length;
                assertThat(sent)
                        .as("bytes taken for a client that reads none")
                        .isLessThan(1L << 30);
            }
        }
    }

    @Test
    void pipelinedRequestsAreAnsweredOneAfterTheOther() throws Exception {
        PublisherBytesSupplier supplier = new PublisherBytesSupplier();
        load(
                "pipe",
                input -> input.getAsString("data").equals("A") ? streaming(supplier) : text("BBB"));
        try (Socket socket = new Socket("127.0.0.1", host.port())) {
            String head = "POST /predictions/pipe HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n";
            write(socket, head + "A" + head + "B");
            supplier.appendContent("AAA".getBytes(StandardCharsets.UTF_8), false);
            assertThat(readUntil(socket, "AAA")).doesNotContain("BBB");
            supplier.appendContent("aaa".getBytes(StandardCharsets.UTF_8), true);
            assertThat(readUntil(socket, "BBB")).contains("aaa\r\n0\r\n\r\nHTTP/1.1 200");
        }
    }

    @Test
    void tooLongABodyGets413InTheWordsOfThePath() throws Exception {
        host.close();
        host = EmbeddedHost.start(new HostSettings("127.0.0.1", 0, 1000, 1 << 20, 10), List.of());
        byte[] body = new byte[4_000_000];

        HttpResponse<String> openAi =
                client.send(
                        HttpRequest.newBuilder(uri("/v1/chat/completions"))
                                .POST(BodyPublishers.ofByteArray(body))
                                .build(),
                        BodyHandlers.ofString());
        assertThat(openAi.statusCode()).isEqualTo(413);
        assertThat(json(openAi).getAsJsonObject("error").get("message").getAsString())
                .contains("longer than 1000 bytes");

        HttpResponse<String> plain =
                client.send(
                        HttpRequest.newBuilder(uri("/invocations"))
                                .POST(
                                        BodyPublishers.ofInputStream(
                                                () -> new java.io.ByteArrayInputStream(body)))
                                .build(),
                        BodyHandlers.ofString());
        assertThat(plain.statusCode()).isEqualTo(413);
        assertThat(json(plain).get("code").getAsInt()).isEqualTo(413);
        assertThat(get("/ping").statusCode()).isEqualTo(200);
    }

    @Test
    void theAnswerToTooLongABodyEndsBeforeTheBodyDoes() throws Exception {
        try (Socket socket = new Socket("127.0.0.1", host.port())) {
            write(
                    socket,
                    "POST /invocations HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\nx");
            assertThat(readUntil(socket, "}"))
                    .startsWith("HTTP/1.1 413")
                    .containsPattern("content-length: [1-9]")
                    .contains("connection: close");
        }
    }

    @Test
    void whatIsNotHttpIsRefused() throws Exception {
        try (Socket socket = new Socket("127.0.0.1", host.port())) {
            write(socket, "NONSENSE\r\n\r\n");
            assertThat(readUntil(socket, "}")).contains("400");
        }
        assertThat(get("/ping").statusCode()).isEqualTo(200);
    }

    @Test
    void aPortInUseIsNamed() {
        assertThatThrownBy(() -> EmbeddedHost.start(HostSettings.onPort(host.port()), List.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("Cannot listen on 127.0.0.1:" + host.port())
                .hasMessageContaining("Choose another port");
    }

    @Test
    void aModelThatFailsAtStartIsTheReason() throws Exception {
        ModelDefinition bad = ModelDefinition.read("bad", folder("bad", "engine=Nope"));

        assertThatThrownBy(() -> EmbeddedHost.start(HostSettings.onPort(0), List.of(bad)))
                .isInstanceOf(HostException.class)
                .hasMessageContaining("Model bad was not loaded");
    }

    @Test
    void stoppingLetsStreamsEndWithTheirLastWords() throws Exception {
        PublisherBytesSupplier supplier = new PublisherBytesSupplier();
        load("ending", input -> streaming(supplier));
        ScriptedEngine.model("ending").onClose =
                () ->
                        supplier.appendContent(
                                "and that was all".getBytes(StandardCharsets.UTF_8), true);
        HttpResponse<InputStream> answer =
                client.send(post("/predictions/ending", "x").build(), BodyHandlers.ofInputStream());

        CompletableFuture<Void> stopping = CompletableFuture.runAsync(host::close);

        assertThat(answer.body().readAllBytes()).asString().isEqualTo("and that was all");
        stopping.get(30, TimeUnit.SECONDS);
        assertThat(ScriptedEngine.model("ending").closed).isTrue();
    }

    // --- what the tests above speak in

    private void load(String name, ScriptedEngine.Script script, String... properties)
            throws Exception {
        ScriptedEngine.script(name, script);
        String[] all = new String[properties.length + 1];
        all[0] = "engine=Scripted";
        System.arraycopy(properties, 0, all, 1, properties.length);
        assertThat(register(folder(name, all)).statusCode()).isEqualTo(200);
    }

    private Path folder(String name, String... properties) throws IOException {
        Path folder = Files.createDirectories(store.resolve(name));
        Files.write(folder.resolve("serving.properties"), List.of(properties));
        return folder;
    }

    private HttpResponse<String> register(Path folder) throws Exception {
        return send(
                post("/models?model_name=" + folder.getFileName() + "&url=" + folder.toUri(), ""));
    }

    private static Output text(String body) {
        Output output = new Output();
        output.add(body);
        return output;
    }

    private static Output streaming(BytesSupplier supplier) {
        Output output = new Output();
        output.add(supplier);
        return output;
    }

    private URI uri(String path) {
        return URI.create(host.url() + path);
    }

    private HttpRequest.Builder post(String path, String body) {
        return HttpRequest.newBuilder(uri(path))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body));
    }

    private HttpResponse<String> get(String path) throws Exception {
        return send(HttpRequest.newBuilder(uri(path)));
    }

    private HttpResponse<String> delete(String path) throws Exception {
        return send(HttpRequest.newBuilder(uri(path)).DELETE());
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private static CompletableFuture<HttpResponse<String>> sendAsync(HttpRequest.Builder request) {
        return client.sendAsync(request.build(), BodyHandlers.ofString());
    }

    private static JsonObject json(HttpResponse<String> answer) {
        return JsonParser.parseString(answer.body()).getAsJsonObject();
    }

    private static void write(Socket socket, String text) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(text.getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    private static String readUntil(Socket socket, String end) throws IOException {
        StringBuilder read = new StringBuilder();
        InputStream in = socket.getInputStream();
        while (read.indexOf(end) < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("connection closed after: " + read);
            }
            read.append((char) next);
        }
        return read.toString();
    }
}
