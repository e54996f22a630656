package io.greenroom.it.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheStats;
import io.greenroom.it.TestModels;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.plugin.heat.HeatJson;
import io.greenroom.plugin.heat.HeatRecord;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Replicas that tell each other what is hot through a topic. */
@Timeout(300)
class WarmStartTest {

    private static final String TOPIC = "greenroom.heat";

    @TempDir private Path folder;

    private static Map<String, String> settings(KafkaBroker broker) {
        Map<String, String> settings = new HashMap<>();
        settings.put("greenroom.kafka.bootstrap-servers", broker.servers());
        settings.put("greenroom.kafka.topic-create", "true");
        settings.put("greenroom.heat-interval", "1s");
        settings.put("greenroom.heat-read-timeout", "60s");
        settings.put("greenroom.warm-timeout", "1m");
        return settings;
    }

    @Test
    void aReplicaBeginsWithWhatAnotherLeft() throws Exception {
        try (KafkaBroker broker = new KafkaBroker(folder).start()) {
            Topics topics = new Topics(broker);
            String fingerprint;
            try (Replica first = new Replica(TestModels.tiny(), settings(broker))) {
                assertThat(first.moe().status().residentExperts()).isZero();
                fingerprint = Fingerprint.of(first.moe().checkpoint());
                first.read(5);
            }
            List<ConsumerRecord<byte[], byte[]>> records =
                    topics.readUntil(TOPIC, all -> !all.isEmpty());
            HeatRecord record = HeatJson.read(records.get(records.size() - 1).value());
            assertThat(Topics.key(records.get(0))).isEqualTo("tiny@" + fingerprint);
            assertThat(record.key().toString()).isEqualTo("tiny@" + fingerprint);
            assertThat(record.heat().tokens()).isGreaterThan(250);
            assertThat(topics.property(TOPIC, "cleanup.policy")).isEqualTo("compact");

            try (Replica second = new Replica(TestModels.tiny(), settings(broker))) {
                CacheStats ready = second.moe().status().cache();
                assertThat(ready.background().warmed())
                        .isEqualTo(second.moe().status().residentExperts())
                        .isPositive();
                assertThat(ready.hits() + ready.misses()).isZero();
            }
        }
    }

    @Test
    void whatIsNoHeatIsPassedOver() throws Exception {
        try (KafkaBroker broker = new KafkaBroker(folder).start()) {
            Topics topics = new Topics(broker);
            topics.create(TOPIC, 3);
            String print;
            byte[] heat;
            try (Replica first = new Replica(TestModels.tiny(), settings(broker))) {
                print = Fingerprint.of(first.moe().checkpoint());
                first.read(5);
            }
            heat = topics.readUntil(TOPIC, all -> !all.isEmpty()).get(0).value();
            topics.send(TOPIC, "tiny@" + print, null); // deleted
            topics.send(
                    TOPIC, "worse@" + print, "{\"schema\":99}".getBytes(StandardCharsets.UTF_8));
            topics.send(TOPIC, "worst@" + print, new byte[] {(byte) 0xFF, 0});
            topics.send(TOPIC, "other@" + "0".repeat(32), heat);
            Map<String, String> quiet = settings(broker);
            quiet.put("greenroom.heat-publish", "false");
            try (Replica second = new Replica(TestModels.tiny(), quiet)) {
                assertThat(second.moe().status().residentExperts()).isZero();
            }
            topics.send(TOPIC, "renamed@" + print, heat);
            try (Replica third = new Replica(TestModels.tiny(), quiet)) {
                assertThat(third.moe().status().residentExperts()).isPositive();
            }
        }
    }

    @Test
    void withoutABrokerItBeginsColdAndTellsItsHeatLater() throws Exception {
        try (KafkaBroker broker = new KafkaBroker(folder)) {
            Map<String, String> settings = settings(broker);
            settings.put("greenroom.heat-read-timeout", "200ms");
            settings.put("greenroom.kafka.client.max.block.ms", "500");
            try (Replica alone = new Replica(TestModels.tiny(), settings)) {
                assertThat(alone.moe().status().residentExperts()).isZero();
                alone.read(5);
                broker.start();
                List<ConsumerRecord<byte[], byte[]>> records =
                        new Topics(broker).readUntil(TOPIC, all -> !all.isEmpty());
                assertThat(HeatJson.read(records.get(0).value()).heat().tokens())
                        .isGreaterThan(250);
            }
        }
    }
}
