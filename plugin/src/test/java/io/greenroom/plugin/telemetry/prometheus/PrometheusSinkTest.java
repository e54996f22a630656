package io.greenroom.plugin.telemetry.prometheus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.decoder.MeterReadings;
import io.greenroom.plugin.engine.EngineServices;
import io.greenroom.plugin.engine.FakeMoeModel;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.Models;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.telemetry.SinkStatus;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrometheusSinkTest {

    @TempDir private Path folder;

    private final Deque<FakeMoeModel> next = new ArrayDeque<>();
    private final List<MoeEngineModel> loaded = new ArrayList<>();
    private final List<SinkStatus> sinks =
            List.of(new SinkStatus("kafka", "on", 10, 2, 3, 4, null));
    private EngineServices services;
    private PrometheusSink sink;

    @BeforeEach
    void connect() throws Exception {
        services = Models.services((path, options) -> next.remove());
        sink =
                new PrometheusSink(
                        services.registry(),
                        true,
                        Clock.fixed(Models.NOW, ZoneOffset.UTC),
                        () -> sinks);
    }

    @AfterEach
    void close() {
        loaded.forEach(MoeEngineModel::close);
        sink.close();
    }

    private MoeEngineModel load(FakeMoeModel fake, String name) throws Exception {
        next.add(fake);
        MoeEngineModel model = (MoeEngineModel) new MoeEngine(services).newModel("folder", null);
        model.load(folder, null, Map.of());
        model.setProperty("metric_dimension", name);
        loaded.add(model);
        return model;
    }

    private List<String> scrape() {
        return new String(sink.text(Set.of()), StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void aModelsNumbersAreTheSeries() throws Exception {
        FakeMoeModel fake = new FakeMoeModel();
        fake.counters().routed(1, new int[] {0, 3, 3}, 3);
        fake.counters().on(Event.HIT, new ExpertId(1, 3), 0);
        fake.counters().on(Event.MISS, new ExpertId(1, 0), -1);
        fake.counters().on(Event.LOADED, new ExpertId(1, 0), 1);
        fake.counters().settled(new ExpertId(1, 0), 500_000_000);
        fake.times().note(50_000_000);
        fake.times().note(2_000_000_000);
        load(fake, "demo");
        sink.accept(TestRecords.of("demo", Models.NOW, fake.usage()));

        assertThat(scrape())
                .contains(
                        "# HELP greenroom_tokens_in_total Prompt tokens processed",
                        "# TYPE greenroom_tokens_in_total counter",
                        "greenroom_tokens_in_total{model=\"demo\"} 30.0",
                        "greenroom_tokens_out_total{model=\"demo\"} 40.0",
                        "greenroom_requests_total{model=\"demo\",outcome=\"stop\"} 7.0",
                        "greenroom_requests_total{model=\"demo\",outcome=\"rejected\"} 3.0",
                        "greenroom_requests_running{model=\"demo\"} 1.0",
                        "greenroom_requests_queued{model=\"demo\"} 2.0",
                        "greenroom_expert_tokens_total{layer=\"1\",model=\"demo\"} 3.0",
                        "greenroom_expert_hits_total{layer=\"0\",model=\"demo\"} 0.0",
                        "greenroom_expert_hits_total{layer=\"1\",model=\"demo\"} 1.0",
                        "greenroom_expert_misses_total{layer=\"1\",model=\"demo\"} 1.0",
                        "greenroom_expert_read_bytes_total{layer=\"1\",model=\"demo\"} 100.0",
                        "greenroom_expert_evictions_total{layer=\"1\",model=\"demo\"} 4.0",
                        "greenroom_expert_hit_ratio{model=\"demo\"} 0.5",
                        "greenroom_expert_budget_bytes{model=\"demo\"} 1000.0",
                        "greenroom_resident_expert_bytes{model=\"demo\"} 500.0",
                        "greenroom_kv_cache_used_bytes{model=\"demo\"} 15.0",
                        "greenroom_stall_seconds_total{layer=\"1\",model=\"demo\"} 0.5",
                        "greenroom_prefetch_on{model=\"demo\"} 1.0",
                        "greenroom_altered_selections_total{model=\"demo\"} 8.0",
                        "# TYPE greenroom_inter_token_seconds histogram",
                        "greenroom_inter_token_seconds_bucket{model=\"demo\",le=\"0.0\"} 0",
                        "greenroom_inter_token_seconds_bucket{model=\"demo\",le=\"0.1\"} 1",
                        "greenroom_inter_token_seconds_bucket{model=\"demo\",le=\"1.0\"} 1",
                        "greenroom_inter_token_seconds_bucket{model=\"demo\",le=\"+Inf\"} 2",
                        "greenroom_inter_token_seconds_count{model=\"demo\"} 2",
                        "greenroom_inter_token_seconds_sum{model=\"demo\"} 2.05",
                        "greenroom_sink_records_delivered_total{sink=\"kafka\"} 10.0",
                        "greenroom_sink_records_dropped_total{sink=\"kafka\"} 3.0");
    }

    /** Every metric of the catalogue comes, and nothing else. */
    @Test
    void nothingIsMissing() throws Exception {
        FakeMoeModel fake = new FakeMoeModel();
        fake.counters().on(Event.HIT, new ExpertId(1, 3), 0);
        load(fake, "demo");
        sink.accept(TestRecords.of("demo", Models.NOW, fake.usage()));

        List<String> types =
                scrape().stream().filter(line -> line.startsWith("# TYPE ")).sorted().toList();
        assertThat(types)
                .isEqualTo(
                        Arrays.stream(Metric.values())
                                .map(m -> "# TYPE " + m.exposedName() + " " + m.type())
                                .sorted()
                                .toList());
    }

    @Test
    void oddNamesAreEscaped() throws Exception {
        load(new FakeMoeModel(), "a \"quoted\"\\back\nslash {x=\"1\"} ünï");
        assertThat(scrape())
                .contains(
                        "greenroom_experts{model=\"a \\\"quoted\\\"\\\\back\\nslash"
                                + " {x=\\\"1\\\"} ünï\"} 64.0");
    }

    @Test
    void anUnloadedModelLeavesNoSeries() throws Exception {
        MoeEngineModel first = load(new FakeMoeModel(), "first");
        load(new FakeMoeModel(), "second");
        assertThat(scrape()).anyMatch(line -> line.contains("\"first\""));
        first.close();

        assertThat(scrape())
                .noneMatch(line -> line.contains("\"first\""))
                .anyMatch(line -> line.contains("\"second\""));
    }

    @Test
    void versionsOfOneModelAreToldApart() throws Exception {
        load(new FakeMoeModel(), "demo");
        load(new FakeMoeModel(), "demo");
        assertThat(scrape())
                .contains(
                        "greenroom_experts{model=\"demo\"} 64.0",
                        "greenroom_experts{model=\"demo#2\"} 64.0");
    }

    @Test
    void thereIsALimitToModels() throws Exception {
        for (int i = 0; i < PrometheusSink.MAX_MODELS + 3; i++) {
            load(new FakeMoeModel(), "model-" + i);
        }
        List<String> lines = scrape();
        assertThat(lines).contains("greenroom_models_left_out 3.0");
        assertThat(lines.stream().filter(line -> line.startsWith("greenroom_experts{")))
                .hasSize(PrometheusSink.MAX_MODELS);
    }

    @Test
    void layersBeyondTheLimitAreAddedUp() throws Exception {
        int layers = ModelSeries.MAX_LAYERS + 10;
        ExpertUsage usage = new ExpertUsage(layers, 1, id -> 1);
        for (int layer = 0; layer < layers; layer++) {
            usage.routed(layer, new int[] {0}, 1);
        }
        UsageSnapshot snapshot = usage.snapshot();
        FakeMoeModel deep =
                new FakeMoeModel() {
                    @Override
                    public UsageSnapshot usage() {
                        return snapshot;
                    }
                };
        load(deep, "deep");
        List<String> routed =
                scrape().stream()
                        .filter(line -> line.startsWith("greenroom_expert_tokens_total{"))
                        .toList();
        assertThat(routed)
                .hasSize(ModelSeries.MAX_LAYERS + 1)
                .contains(
                        "greenroom_expert_tokens_total{layer=\"255\",model=\"deep\"} 1.0",
                        "greenroom_expert_tokens_total{layer=\"rest\",model=\"deep\"} 10.0");
    }

    @Test
    void theServersRegistryHasThem() throws Exception {
        load(new FakeMoeModel(), "demo");
        MetricSnapshots shared = PrometheusRegistry.defaultRegistry.scrape();
        assertThat(shared.stream().map(s -> s.getMetadata().getPrometheusName()))
                .contains("greenroom_tokens_in", "greenroom_time_to_first_token_seconds");
        sink.close();
        assertThat(PrometheusRegistry.defaultRegistry.scrape()).isEmpty();
        sink.close(); // harmless
    }

    /** Two servers in one process: the registry has the first one's series, and does not break. */
    @Test
    void aSecondPluginSharesTheFirstOnes() throws Exception {
        load(new FakeMoeModel(), "demo");
        PrometheusSink other =
                new PrometheusSink(new ModelRegistry(), true, Clock.systemUTC(), List::of);
        assertThat(other.state()).startsWith("on: shared with another Greenroom in this process");
        assertThat(new String(other.text(Set.of()), StandardCharsets.UTF_8))
                .contains("greenroom_experts{model=\"demo\"} 64.0");
        other.close();
        assertThat(scrape()).contains("greenroom_experts{model=\"demo\"} 64.0");
    }

    @Test
    void aModelThatFailsSpoilsNobodysScrape() throws Exception {
        load(failing(new IllegalStateException("The expert cache is closed")), "closing");
        load(new FakeMoeModel(), "demo");
        assertThat(scrape())
                .contains("greenroom_experts{model=\"demo\"} 64.0")
                .noneMatch(line -> line.contains("closing"));
        load(failing(new ArithmeticException("a mistake of ours")), "broken");
        assertThat(PrometheusRegistry.defaultRegistry.scrape()).isEmpty();
    }

    private static FakeMoeModel failing(RuntimeException failure) {
        return new FakeMoeModel() {
            @Override
            public MeterReadings meters() {
                throw failure;
            }
        };
    }

    @Test
    void switchedOffItRegistersNothing() throws Exception {
        sink.close();
        PrometheusSink off =
                new PrometheusSink(services.registry(), false, Clock.systemUTC(), List::of);
        assertThat(off.state()).isEqualTo("off: greenroom.prometheus is false");
        assertThat(off.isConnected()).isFalse();
        assertThat(PrometheusRegistry.defaultRegistry.scrape()).isEmpty();
        assertThatThrownBy(() -> off.text(Set.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Prometheus is off: greenroom.prometheus is false");
    }
}
