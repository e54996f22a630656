package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import io.greenroom.plugin.telemetry.prometheus.Metric;
import java.io.IOException;
import java.net.URL;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Prometheus's view of a running server, and the dashboard made for it. */
@ServerSuite
class MetricsIT {

    private static final String MODEL = "metrics-demo";
    private static final String OTHER = "metrics-other";
    private static final String LEAVING = "metrics-leaving";

    @ArquillianResource private URL url;
    @TempDir private Path folder;
    private ServerClient server;

    @Deployment(testable = false)
    static GenericArchive models() {
        GenericArchive archive = TestModels.archive("metrics");
        TestModels.add(archive, MODEL, TestModels.demo(), "option.expert_budget=30%");
        TestModels.add(archive, LEAVING, TestModels.tiny());
        return TestModels.add(archive, OTHER, TestModels.tiny(), "option.expert_budget=50%");
    }

    /** Traffic, and a report of it: only then the hit rate of the last minute is known. */
    @BeforeEach
    void answerSomething() {
        server = new ServerClient(url);
        for (String model : List.of(MODEL, OTHER)) {
            assertThat(chat(model).statusCode()).isEqualTo(200);
            ServerClient.await(
                    "a hit rate of " + model,
                    () ->
                            scrape().samples().stream()
                                    .anyMatch(
                                            s ->
                                                    s.name().equals("greenroom_expert_hit_ratio")
                                                            && model.equals(
                                                                    s.labels().get("model"))));
        }
    }

    private HttpResponse<String> chat(String model) {
        return server.post("/v1/chat/completions", ServerClient.chat(model, "Who are you?", 8));
    }

    private Scrape scrape() {
        HttpResponse<String> response = server.get("/metrics");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type"))
                .hasValue("text/plain; version=0.0.4; charset=utf-8");
        return Scrape.of(response.body());
    }

    @Test
    void everySeriesThereIsIsExportedWithItsLabels() {
        Scrape scrape = scrape();
        Map<String, String> types = new TreeMap<>();
        Map<String, Set<String>> names = new TreeMap<>();
        for (Metric metric : Metric.values()) {
            String name = metric.exposedName();
            types.put(name, metric.type().toString());
            Set<String> labels = new TreeSet<>(metric.labels());
            if (metric.type() == Metric.Type.HISTOGRAM) {
                names.put(name + "_sum", labels);
                names.put(name + "_count", labels);
                Set<String> bucket = new TreeSet<>(labels);
                bucket.add("le");
                names.put(name + "_bucket", bucket);
            } else {
                names.put(name, labels);
            }
        }
        assertThat(scrape.types()).isEqualTo(types);
        assertThat(scrape.names()).isEqualTo(names);
    }

    @Test
    void theNumbersAreThoseOfTheModel() {
        Scrape before = scrape();
        JsonObject status = server.status(MODEL);
        JsonObject cache = status.getAsJsonObject("cache");
        JsonObject requests = status.getAsJsonObject("requests");
        assertThat(before.sum("greenroom_expert_hits_total", MODEL))
                .isEqualTo(cache.get("hits").getAsDouble())
                .isPositive();
        assertThat(before.sum("greenroom_expert_misses_total", MODEL))
                .isEqualTo(cache.get("misses").getAsDouble())
                .isPositive();
        assertThat(before.sum("greenroom_tokens_in_total", MODEL))
                .isEqualTo(requests.get("tokens_in").getAsDouble());
        assertThat(before.sum("greenroom_tokens_out_total", MODEL))
                .isEqualTo(requests.get("tokens_out").getAsDouble());
        assertThat(before.sum("greenroom_expert_budget_bytes", MODEL))
                .isEqualTo(
                        status.getAsJsonObject("memory").get("expert_budget_bytes").getAsDouble());
        assertThat(before.sum("greenroom_requests_total", MODEL)).isPositive();
        assertThat(before.sum("greenroom_time_to_first_token_seconds_count", MODEL))
                .isEqualTo(before.sum("greenroom_queue_seconds_count", MODEL))
                .isPositive();

        assertThat(chat(MODEL).statusCode()).isEqualTo(200);
        Scrape after = scrape();
        assertThat(after.sum("greenroom_requests_total", MODEL))
                .isEqualTo(before.sum("greenroom_requests_total", MODEL) + 1);
        assertThat(after.sum("greenroom_requests_total", OTHER))
                .isEqualTo(before.sum("greenroom_requests_total", OTHER));
    }

    @Test
    void theServersOwnPageHasThemToo() {
        HttpResponse<String> all = server.get("/server/metrics");
        assertThat(all.statusCode()).as(all.body()).isEqualTo(200);
        assertThat(Scrape.of(all.body()).names())
                .containsAllEntriesOf(scrape().names())
                .containsKey("greenroom_build_info");

        HttpResponse<String> one = server.get("/server/metrics?name[]=greenroom_experts");
        assertThat(Scrape.of(one.body()).names().keySet()).containsExactly("greenroom_experts");
    }

    @Test
    void scrapesDoNotShowInAnswers() {
        String expected = ServerClient.content(ServerClient.json(chat(MODEL)));
        CompletableFuture<HttpResponse<String>> answer =
                server.postAsync(
                        "/v1/chat/completions", ServerClient.chat(MODEL, "Who are you?", 8));
        int scrapes = 0;
        while (!answer.isDone() || scrapes < 3) {
            assertThat(scrape().knows(MODEL)).isTrue();
            scrapes++;
        }
        assertThat(ServerClient.content(ServerClient.json(answer.join()))).isEqualTo(expected);
    }

    @Test
    void anUnloadedModelTakesItsSeriesAlong() {
        assertThat(scrape().knows(LEAVING)).isTrue();
        assertThat(server.delete("/models/" + LEAVING).statusCode()).isEqualTo(200);
        assertThat(scrape().knows(LEAVING)).isFalse();
        assertThat(scrape().knows(MODEL)).isTrue();
    }

    @Test
    @ExtendWith(SkipWithoutPromtool.class)
    void promtoolFindsNothingWrong() throws Exception {
        Path text = Files.writeString(folder.resolve("scrape.txt"), server.get("/metrics").body());
        assertThat(promtool(text, "check", "metrics")).isEmpty();
    }

    /** Every name and label in the dashboard is one that this server exports. */
    @Test
    void theDashboardAsksForWhatThereIs() throws Exception {
        Map<String, Set<String>> exported = scrape().names();
        Dashboard dashboard = Dashboard.read();
        assertThat(dashboard.queries()).hasSizeGreaterThan(40);
        for (Dashboard.Query query : dashboard.queries()) {
            assertThat(query.metrics()).as(query.panel()).isNotEmpty();
            assertThat(exported.keySet()).as(query.panel()).containsAll(query.metrics());
            Set<String> labels = new TreeSet<>();
            query.metrics().forEach(metric -> labels.addAll(exported.get(metric)));
            assertThat(labels).as(query.expression()).containsAll(query.resultLabels());
            query.selectors()
                    .forEach(
                            selector ->
                                    assertThat(exported.get(selector.getKey()))
                                            .as(query.expression())
                                            .containsAll(selector.getValue()));
        }
        assertThat(dashboard.variable("model").get("definition").getAsString())
                .isEqualTo("label_values(greenroom_experts, model)");
        assertThat(exported.get("greenroom_experts")).contains("model");
        assertThat(dashboard.variable("datasource").get("query").getAsString())
                .isEqualTo("prometheus");
    }

    @Test
    void everyPanelHasAUnitAndTheDataSourceOfTheVariable() throws Exception {
        for (JsonObject panel : Dashboard.read().panels()) {
            String title = panel.get("title").getAsString();
            assertThat(panel.getAsJsonObject("datasource").get("uid").getAsString())
                    .as(title)
                    .isEqualTo("${datasource}");
            assertThat(
                            panel.getAsJsonObject("fieldConfig")
                                    .getAsJsonObject("defaults")
                                    .get("unit")
                                    .getAsString())
                    .as(title)
                    .isNotBlank();
            assertThat(panel.get("description").getAsString()).as(title).isNotBlank();
        }
    }

    /** As rules, Prometheus's checker reads the queries. */
    @Test
    @ExtendWith(SkipWithoutPromtool.class)
    void prometheusUnderstandsTheDashboardsQueries() throws Exception {
        StringBuilder rules = new StringBuilder("groups:\n- name: dashboard\n  rules:\n");
        List<Dashboard.Query> queries = Dashboard.read().queries();
        for (int i = 0; i < queries.size(); i++) {
            rules.append("  - record: query:").append(i).append("\n    expr: >-\n      ");
            rules.append(queries.get(i).asAsked()).append('\n');
        }
        Path file = Files.writeString(folder.resolve("rules.yml"), rules);
        assertThat(promtool(null, "check", "rules", file.toString()))
                .contains("SUCCESS: " + queries.size() + " rules found");
    }

    /** Its output; it must end with 0. */
    private String promtool(Path input, String... arguments)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(SkipWithoutPromtool.promtool().orElseThrow().toString()));
        command.addAll(Arrays.asList(arguments));
        Path output = folder.resolve("promtool.txt");
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        if (input != null) {
            builder.redirectInput(input.toFile());
        }
        int code = builder.start().waitFor();
        String said = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(code).as(said).isZero();
        return said;
    }
}
