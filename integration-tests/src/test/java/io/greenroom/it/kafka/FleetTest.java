package io.greenroom.it.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.fleet.Fleet;
import io.greenroom.it.TestModels;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.plugin.heat.HeatJson;
import io.greenroom.plugin.heat.HeatRecord;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Replicas, a broker and the fleet's application, end to end. */
@Timeout(300)
class FleetTest {

    private static final String USAGE = "greenroom.expert-usage";
    private static final String FLEET = "greenroom.fleet-usage";
    private static final String HEAT = "greenroom.heat";

    /** Of one replica: five texts of 60 tokens, two layers, two experts per token. */
    private static final long SELECTIONS = 5 * 60 * 2 * 2;

    @TempDir private Path folder;

    @Test
    void whatReplicasDoIsAddedUp() throws Exception {
        try (KafkaBroker broker = new KafkaBroker(folder.resolve("broker")).start()) {
            Topics topics = new Topics(broker);
            for (String topic : List.of(USAGE, FLEET, HEAT, "greenroom.fleet-rejected")) {
                topics.create(topic, 2);
            }
            topics.send(USAGE, "tiny", "no record".getBytes(StandardCharsets.UTF_8));
            Map<String, String> settings = new HashMap<>();
            settings.put("greenroom.kafka.bootstrap-servers", broker.servers());
            settings.put("greenroom.telemetry-interval", "100ms");
            settings.put("greenroom.kafka.interval", "100ms");
            settings.put("greenroom.heat-publish", "false");
            String fingerprint = "";
            for (int i = 0; i < 2; i++) {
                try (Replica replica = new Replica(TestModels.tiny(), settings)) {
                    fingerprint = Fingerprint.of(replica.moe().checkpoint());
                    replica.read(5);
                    long selections = (i + 1) * SELECTIONS;
                    // Before it ends: it would not wait long for a slow broker.
                    topics.readUntil(USAGE, records -> sent(records) == selections);
                }
            }
            Thread fleet = new Thread(() -> runFleet(broker), "fleet");
            fleet.start();
            try {
                // Both replicas, in windows of two lengths.
                topics.readUntil(FLEET, records -> counted(records) == 2 * 2 * SELECTIONS);
                HeatRecord heat =
                        HeatJson.read(
                                topics.readUntil(HEAT, records -> !records.isEmpty())
                                        .get(0)
                                        .value());
                assertThat(heat.key()).hasToString("tiny@" + fingerprint);
                assertThat(heat.host()).isEqualTo("fleet");
                assertThat(heat.heat().hottest(100)).isNotEmpty();
                assertThat(
                                topics.readUntil(
                                        "greenroom.fleet-rejected", records -> !records.isEmpty()))
                        .hasSize(1)
                        .allMatch(record -> Topics.value(record).equals("no record"));
            } finally {
                fleet.interrupt();
                fleet.join();
            }
            // A replica that starts now begins with the heat of both.
            try (Replica warm = new Replica(TestModels.tiny(), settings)) {
                assertThat(warm.moe().status().cache().background().warmed()).isPositive();
            }
        }
    }

    private void runFleet(KafkaBroker broker) {
        var unused =
                Fleet.commandLine()
                        .execute(
                                "--bootstrap-servers",
                                broker.servers(),
                                "--heat-interval",
                                "1s",
                                "--property",
                                "state.dir=" + folder.resolve("state"),
                                "--property",
                                "auto.offset.reset=earliest",
                                "--property",
                                "commit.interval.ms=100",
                                "--property",
                                "replication.factor=1");
    }

    /** Selections in the replicas' records. */
    private static long sent(List<ConsumerRecord<byte[], byte[]>> records) {
        long sum = 0;
        for (ConsumerRecord<byte[], byte[]> record : records) {
            if (Topics.value(record).startsWith("{")) {
                sum += routed(JsonParser.parseString(Topics.value(record)).getAsJsonObject());
            }
        }
        return sum;
    }

    /** Selections in the newest state of all windows. */
    private static long counted(List<ConsumerRecord<byte[], byte[]>> records) {
        Map<String, JsonObject> windows = new LinkedHashMap<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            windows.put(
                    Topics.key(record),
                    JsonParser.parseString(Topics.value(record)).getAsJsonObject());
        }
        long sum = 0;
        for (JsonObject window : windows.values()) {
            for (JsonElement checkpoint : window.getAsJsonArray("checkpoints")) {
                sum += routed(checkpoint.getAsJsonObject());
            }
        }
        return sum;
    }

    private static long routed(JsonObject layered) {
        long sum = 0;
        for (JsonElement layer : layered.getAsJsonArray("layers")) {
            JsonArray counts = layer.getAsJsonObject().getAsJsonArray("routed");
            for (int i = 0; counts != null && i < counts.size(); i++) {
                sum += counts.get(i).getAsLong();
            }
        }
        return sum;
    }
}
