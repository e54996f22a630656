package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URL;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the page is made of, without the page: events and the heat map. */
@ServerSuite
class EventsIT {

    private static final String MODEL = "events-demo";
    private static final String PASSING = "events-passing";

    /** Of the server; see the plugin's EventStreams. */
    private static final int MOST_PAGES = 64;

    @ArquillianResource private URL url;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        GenericArchive archive = TestModels.archive("events");
        TestModels.add(archive, PASSING, TestModels.tiny());
        return TestModels.add(archive, MODEL, TestModels.demo(), "option.expert_budget=25%");
    }

    @BeforeEach
    void connect() {
        server = new ServerClient(url);
    }

    /** A reader of events, at the level of lines. */
    private final class Events implements AutoCloseable {

        private final Socket socket = new Socket(url.getHost(), url.getPort());
        private final BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));

        Events() throws IOException {
            socket.getOutputStream()
                    .write(
                            "GET /moe/events HTTP/1.1\r\nHost: it\r\n\r\n"
                                    .getBytes(StandardCharsets.US_ASCII));
        }

        /** The status line. */
        String status() throws IOException {
            return lines.readLine();
        }

        /** The next event of a name; those before it are passed over. */
        JsonObject next(String name) throws IOException {
            String line;
            while ((line = lines.readLine()) != null) {
                if (line.equals("event: " + name)) {
                    String data = lines.readLine();
                    return JsonParser.parseString(data.substring("data: ".length()))
                            .getAsJsonObject();
                }
            }
            throw new AssertionError("The stream ended before " + name);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @Test
    void whatExpertsDoIsToldEverySecond() throws Exception {
        try (Events events = new Events()) {
            assertThat(events.status()).contains("200");
            assertThat(events.next("hello").getAsJsonObject("budget_changes").get("allowed"))
                    .hasToString("true");
            JsonObject before = model(events.next("snapshot"), MODEL);
            assertThat(before.get("layers").getAsInt()).isPositive();
            long instance = before.get("instance").getAsLong();
            assertThat(
                            server.post(
                                            "/v1/chat/completions",
                                            ServerClient.chat(MODEL, "Say shibboleth.", 8))
                                    .statusCode())
                    .isEqualTo(200);

            long routed = 0;
            long first = 0;
            long last = 0;
            int frames = 0;
            while (routed == 0 || frames < 4) {
                JsonObject update = events.next("update");
                assertThat(update.toString()).doesNotContain("shibboleth");
                last = update.get("time").getAsLong();
                first = frames++ == 0 ? last : first;
                for (var model : update.getAsJsonArray("models")) {
                    JsonObject own = model.getAsJsonObject();
                    if (own.get("instance").getAsLong() == instance) {
                        routed += sum(own.getAsJsonObject("use").getAsJsonArray("routed"));
                    }
                }
            }
            System.out.printf(
                    "[dashboard] a frame every %d ms on average%n", (last - first) / (frames - 1));
            assertThat(routed).isEqualTo(routedInAll() - routedBefore(before));
        }
    }

    private long routedInAll() {
        JsonObject experts = ServerClient.json(server.get("/moe/models/" + MODEL + "/experts"));
        long sum = 0;
        for (var row : experts.getAsJsonArray("rows")) {
            sum += sum(row.getAsJsonObject().getAsJsonArray("routed"));
        }
        return sum;
    }

    private static long routedBefore(JsonObject model) {
        return sum(model.getAsJsonObject("use").getAsJsonArray("routed"));
    }

    private static long sum(JsonArray numbers) {
        long sum = 0;
        for (var number : numbers) {
            sum += number.getAsLong();
        }
        return sum;
    }

    private static JsonObject model(JsonObject snapshot, String name) {
        for (var model : snapshot.getAsJsonArray("models")) {
            JsonObject json = model.getAsJsonObject();
            if (json.get("name").getAsString().equals(name)) {
                return json;
            }
        }
        throw new AssertionError("No " + name + " in " + snapshot);
    }

    @Test
    void theHeatMapHasARowForEachLayer() {
        server.post("/v1/chat/completions", ServerClient.chat(MODEL, "What is a hacker?", 4));
        HttpResponse<String> answer = server.get("/moe/models/" + MODEL + "/experts");
        assertThat(answer.statusCode()).isEqualTo(200);
        JsonObject experts = ServerClient.json(answer);
        int width = experts.get("experts_per_layer").getAsInt();
        assertThat(experts.getAsJsonArray("rows")).hasSize(experts.get("layers").getAsInt());
        long resident = 0;
        for (var row : experts.getAsJsonArray("rows")) {
            JsonObject layer = row.getAsJsonObject();
            for (String name : List.of("resident", "routed", "hits", "misses")) {
                assertThat(layer.getAsJsonArray(name)).hasSize(width);
            }
            resident += sum(layer.getAsJsonArray("resident"));
        }
        assertThat(resident).isEqualTo(experts.get("resident").getAsLong()).isPositive();
        assertThat(server.get("/moe/models/nobody/experts").statusCode()).isEqualTo(404);
    }

    @Test
    void aModelThatLeavesLeavesTheStreamOpen() throws Exception {
        Path folder = folder(server.status(PASSING).get("name").getAsString());
        try (Events events = new Events()) {
            assertThat(model(events.next("snapshot"), PASSING).has("use")).isTrue();
            assertThat(server.delete("/models/" + PASSING).statusCode()).isEqualTo(200);
            JsonObject without = events.next("snapshot");
            assertThat(without.toString()).contains(MODEL).doesNotContain(PASSING);
            assertThat(server.register(PASSING, folder).statusCode()).isEqualTo(200);
            assertThat(model(events.next("snapshot"), PASSING).has("use")).isTrue();
        }
    }

    private static Path folder(String model) {
        return Path.of(
                System.getProperty("user.dir"),
                "target/it",
                System.getProperty("arquillian.launch"),
                "deployments/events.models",
                model);
    }

    @Test
    void placesAreLimitedAndFreeAgainWhenPagesLeave() throws Exception {
        List<Events> pages = new ArrayList<>();
        try {
            for (int i = 0; i < MOST_PAGES; i++) {
                Events page = new Events();
                pages.add(page);
                assertThat(page.status()).contains("200");
            }
            HttpResponse<String> refused = server.get("/moe/events");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.body()).contains("already sends events to 64 pages");
            assertThat(refused.headers().firstValue("retry-after")).isPresent();
        } finally {
            for (Events page : pages) {
                page.close();
            }
        }
        ServerClient.await("a place to be free", this::hasPlace);
    }

    private boolean hasPlace() {
        try (Events page = new Events()) {
            return page.status().contains("200");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
