package io.greenroom.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.plugin.heat.HeatJson;
import io.greenroom.plugin.heat.HeatRecord;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The topology, driven without a broker. */
class FleetTopologyTest {

    private static final FleetSettings SETTINGS =
            new FleetSettings(
                    "usage",
                    "fleet",
                    "heat",
                    "rejected",
                    List.of(Duration.ofSeconds(10), Duration.ofMinutes(1)),
                    Duration.ofSeconds(15),
                    Duration.ofMinutes(1),
                    1e9);

    @TempDir private Path state;
    private final AtomicLong now =
            new AtomicLong(UsageJsonSamples.BEGIN.plusSeconds(3600).toEpochMilli());
    private TopologyTestDriver driver;
    private TestInputTopic<String, String> usage;
    private TestOutputTopic<String, String> fleet;
    private TestOutputTopic<String, String> heat;
    private TestOutputTopic<String, String> rejected;

    @BeforeEach
    void start() {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "test");
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
        properties.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        Topology topology = FleetTopology.build(SETTINGS, now::get);
        driver = new TopologyTestDriver(topology, properties, UsageJsonSamples.BEGIN);
        usage = driver.createInputTopic("usage", new StringSerializer(), new StringSerializer());
        fleet = output("fleet");
        heat = output("heat");
        rejected = output("rejected");
    }

    private TestOutputTopic<String, String> output(String topic) {
        return driver.createOutputTopic(topic, new StringDeserializer(), new StringDeserializer());
    }

    @AfterEach
    void stop() {
        driver.close();
    }

    private void send(String model, String instance, long sequence, long second, int hot) {
        usage.pipeInput(
                model,
                UsageJsonSamples.record(model, instance, sequence, second, 300, hot).toString());
    }

    private JsonObject window(Map<String, String> windows, String key) {
        assertThat(windows).containsKey(key);
        return JsonParser.parseString(windows.get(key)).getAsJsonObject();
    }

    @Test
    void replicasAreAddedUpPerModelAndWindow() {
        send("demo", "a", 0, 2, 3);
        send("demo", "b", 0, 4, 3);
        send("other", "c", 0, 4, 5);
        send("demo", "a", 1, 12, 4);
        Map<String, String> windows = fleet.readKeyValuesToMap();

        assertThat(windows)
                .containsOnlyKeys(
                        "demo@10s@2026-01-02T03:04:00Z",
                        "demo@10s@2026-01-02T03:04:10Z",
                        "demo@60s@2026-01-02T03:04:00Z",
                        "other@10s@2026-01-02T03:04:00Z",
                        "other@60s@2026-01-02T03:04:00Z");
        JsonObject ten = window(windows, "demo@10s@2026-01-02T03:04:00Z");
        assertThat(ten.get("schema").getAsInt()).isEqualTo(1);
        assertThat(ten.get("model").getAsString()).isEqualTo("demo");
        assertThat(ten.get("window_begin").getAsString()).isEqualTo("2026-01-02T03:04:00Z");
        assertThat(ten.get("window_seconds").getAsLong()).isEqualTo(10);
        assertThat(ten.get("replicas").getAsInt()).isEqualTo(2);
        assertThat(ten.get("records").getAsLong()).isEqualTo(2);
        assertThat(ten.get("tokens_in").getAsLong()).isEqualTo(4);
        assertThat(ten.get("tokens_out").getAsLong()).isEqualTo(596);
        assertThat(ten.get("tokens_per_second").getAsDouble()).isEqualTo(59.6);
        assertThat(ten.get("hits").getAsLong()).isEqualTo(16);
        assertThat(ten.get("misses").getAsLong()).isEqualTo(4);
        assertThat(ten.get("hit_rate").getAsDouble()).isEqualTo(0.8);
        assertThat(ten.get("bytes_read").getAsLong()).isEqualTo(8192);
        assertThat(ten.get("stall_share").getAsDouble()).isEqualTo(0.2);
        assertThat(ten.get("prefetch_useful").getAsLong()).isEqualTo(4);
        JsonObject checkpoint = ten.getAsJsonArray("checkpoints").get(0).getAsJsonObject();
        assertThat(checkpoint.get("fingerprint").getAsString()).isEqualTo(UsageJsonSamples.PRINT);
        assertThat(checkpoint.getAsJsonArray("layers")).hasSize(2);
        assertThat(
                        checkpoint
                                .getAsJsonArray("layers")
                                .get(0)
                                .getAsJsonObject()
                                .getAsJsonArray("routed"))
                .isEqualTo(UsageJsonSamples.array(0, 0, 0, 600, 600, 0, 0, 0));
        JsonObject minute = window(windows, "demo@60s@2026-01-02T03:04:00Z");
        assertThat(minute.get("records").getAsLong()).isEqualTo(3);
    }

    @Test
    void nothingIsRepartitioned() {
        Topology topology = FleetTopology.build(SETTINGS, System::currentTimeMillis);
        assertThat(topology.describe().toString()).doesNotContain("repartition");
        assertThat(topology.describe().subtopologies()).hasSize(1);
    }

    @Test
    void aRecordThatComesTwiceCountsOnceAndLossesAreCounted() {
        send("demo", "a", 0, 1, 3);
        send("demo", "a", 0, 1, 3);
        send("demo", "b", 4, 2, 3); // the first one seen of an instance says nothing of losses
        send("demo", "a", 3, 3, 3);
        send("demo", "a", 1, 3, 3); // after its successors: taken for a repetition
        JsonObject window = window(fleet.readKeyValuesToMap(), "demo@10s@2026-01-02T03:04:00Z");
        assertThat(window.get("records").getAsLong()).isEqualTo(3);
        assertThat(window.get("reports_missed").getAsLong()).isEqualTo(2);
    }

    @Test
    void aSumOfReportsIsNoLoss() {
        send("demo", "a", 0, 1, 3);
        JsonObject sum = UsageJsonSamples.record("demo", "a", 5, 6, 10, 3);
        sum.addProperty("intervals", 5);
        usage.pipeInput("demo", sum.toString());
        JsonObject window = window(fleet.readKeyValuesToMap(), "demo@10s@2026-01-02T03:04:00Z");
        assertThat(window.get("records").getAsLong()).isEqualTo(2);
        assertThat(window.get("reports_missed").getAsLong()).isZero();
    }

    @Test
    void lateRecordsCountWithinTheGraceAndNotAfter() {
        send("demo", "a", 0, 24, 3);
        send("demo", "b", 0, 9, 3);
        assertThat(fleet.readKeyValuesToMap()).containsKey("demo@10s@2026-01-02T03:04:00Z");
        send("demo", "a", 1, 26, 3);
        send("demo", "b", 1, 8, 3);
        JsonObject minute = window(fleet.readKeyValuesToMap(), "demo@60s@2026-01-02T03:04:00Z");
        assertThat(minute.get("records").getAsLong()).isEqualTo(4);
        send("demo", "a", 2, 27, 3);
        assertThat(fleet.readKeyValuesToMap().keySet())
                .as("the window of ten seconds is closed")
                .doesNotContain("demo@10s@2026-01-02T03:04:00Z");
    }

    @Test
    void whatCannotBeCountedGoesAsideWithItsReason() {
        JsonObject later = UsageJsonSamples.record("demo", "a", 0, 1, 10, 3);
        later.addProperty("schema", 9);
        usage.pipeInput("demo", later.toString());
        usage.pipeInput("demo", "not json");
        String elsewhere = UsageJsonSamples.record("other", "a", 0, 1, 10, 3).toString();
        usage.pipeInput("demo", elsewhere);
        send("demo", "a", 0, 1, 3);

        List<TestRecord<String, String>> aside = rejected.readRecordsToList();
        assertThat(aside).hasSize(3);
        assertThat(aside.get(0).value()).isEqualTo(later.toString());
        assertThat(reason(aside.get(0))).isEqualTo("schema is 9, this version reads 1");
        assertThat(reason(aside.get(1))).startsWith("is no usage record");
        assertThat(aside.get(2).value()).isEqualTo(elsewhere);
        assertThat(reason(aside.get(2))).isEqualTo("is of model other, its key is demo");
        assertThat(
                        window(fleet.readKeyValuesToMap(), "demo@10s@2026-01-02T03:04:00Z")
                                .get("records")
                                .getAsLong())
                .isEqualTo(1);
    }

    private static String reason(TestRecord<String, String> record) {
        return new String(
                record.headers().lastHeader(FleetTopology.REASON).value(), StandardCharsets.UTF_8);
    }

    @Test
    void heatIsThatOfAllReplicas() throws Exception {
        send("demo", "a", 0, 5, 3);
        assertThat(heat.readKeyValuesToMap()).containsOnlyKeys("demo@" + UsageJsonSamples.PRINT);
        for (int i = 1; i <= 3; i++) {
            send("demo", "a", i, 5 * i, 3);
            send("demo", "b", i, 5 * i, 6);
        }
        assertThat(heat.isEmpty()).as("within the interval").isTrue();
        send("demo", "b", 20, 70, 6);
        HeatRecord merged = HeatJson.read(heat.readValue().getBytes(StandardCharsets.UTF_8));
        assertThat(merged.host()).isEqualTo("fleet");
        assertThat(merged.key()).hasToString("demo@" + UsageJsonSamples.PRINT);
        assertThat(merged.at()).isEqualTo(UsageJsonSamples.BEGIN.plusSeconds(70));
        assertThat(merged.heat().tokens()).isCloseTo(8 * 300, within(0.1));
        assertThat(merged.heat().share(1, 3)).isCloseTo(0.5f, within(1e-4f));
        assertThat(merged.heat().share(2, 6)).isCloseTo(0.5f, within(1e-4f));
        assertThat(merged.heat().share(0, 3)).as("a layer without experts").isZero();
        send("demo", "a", 21, 100, 3);
        send("demo", "b", 21, 141, 6);
        assertThat(heat.isEmpty()).as("the same experts are hot").isTrue();
    }

    @Test
    void anInstanceThatIsGoneIsForgotten() {
        send("demo", "a", 7, 1, 3);
        assertThat(driver.getKeyValueStore(Deduplication.STORE).get("a")).isNotNull();
        long later = Deduplication.FORGET.toSeconds() + 7200;
        now.set(UsageJsonSamples.BEGIN.plusSeconds(later).toEpochMilli());
        send("demo", "b", 0, later, 3);
        assertThat(driver.getKeyValueStore(Deduplication.STORE).get("a")).isNull();
        assertThat(driver.getKeyValueStore(Deduplication.STORE).get("b")).isNotNull();
    }

    @Test
    void heatWithoutATopicIsNotFormed() {
        FleetSettings without =
                new FleetSettings(
                        "usage",
                        "fleet",
                        "",
                        "",
                        SETTINGS.windows(),
                        SETTINGS.grace(),
                        SETTINGS.heatInterval(),
                        1);
        String described = FleetTopology.build(without, () -> 0).describe().toString();
        assertThat(described).doesNotContain(HeatMerging.STORE).doesNotContain("rejected");
    }
}
