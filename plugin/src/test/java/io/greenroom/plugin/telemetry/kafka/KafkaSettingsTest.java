package io.greenroom.plugin.telemetry.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.plugin.config.ConfigException;
import io.greenroom.plugin.config.PluginSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaSettingsTest {

    private static final String PASSWORD = "swordfish-9";
    private static final String JAAS =
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\""
                    + " password=\""
                    + PASSWORD
                    + "\";";

    @TempDir private Path folder;

    private static KafkaSettings settings(Map<String, String> client) throws ConfigException {
        Map<String, String> properties = new HashMap<>();
        client.forEach((name, value) -> properties.put("greenroom.kafka.client." + name, value));
        return settings(properties, Map.of());
    }

    private static KafkaSettings settings(
            Map<String, String> properties, Map<String, String> environment)
            throws ConfigException {
        Map<String, String> all = new HashMap<>(properties);
        all.put("greenroom.kafka.bootstrap-servers", "127.0.0.1:1");
        return new KafkaSettings(new PluginSettings(all, environment));
    }

    @Test
    void withoutServersItIsOffAndNothingIsChecked() throws Exception {
        KafkaSettings off =
                new KafkaSettings(
                        new PluginSettings(
                                Map.of("greenroom.kafka.client.linger.ms", "x"), Map.of()));

        assertThat(off.isOn()).isFalse();
        assertThat(off.servers()).isEmpty();
    }

    @Test
    void producersAreIdempotentCompressedAndBounded() throws Exception {
        Map<String, Object> all = settings(Map.of()).producer("usage");
        all.put("key.serializer", ByteArraySerializer.class);
        all.put("value.serializer", ByteArraySerializer.class);
        ProducerConfig config = new ProducerConfig(all);

        assertThat(config.getBoolean(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG)).isTrue();
        assertThat(config.getString(ProducerConfig.ACKS_CONFIG)).isEqualTo("-1");
        assertThat(config.getString(ProducerConfig.COMPRESSION_TYPE_CONFIG)).isEqualTo("gzip");
        assertThat(config.getLong(ProducerConfig.BUFFER_MEMORY_CONFIG)).isEqualTo(16 << 20);
        assertThat(config.getLong(ProducerConfig.MAX_BLOCK_MS_CONFIG)).isEqualTo(2000);
        assertThat(config.getInt(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG)).isEqualTo(120_000);
        assertThat(config.getBoolean("enable.metrics.push")).isFalse();
        assertThat(config.getString("client.id")).isEqualTo("greenroom-usage");
    }

    @Test
    void whatIsSetNearestWins() throws Exception {
        Path file = folder.resolve("client.properties");
        Files.writeString(file, "linger.ms=1\nacks=1\nretries=7\nclient.id = mine \n");
        KafkaSettings settings =
                settings(
                        Map.of(
                                "greenroom.kafka.config-file",
                                file.toString(),
                                "greenroom.kafka.client.linger.ms",
                                "3"),
                        Map.of(
                                "GREENROOM_KAFKA_CLIENT_LINGER_MS", "2",
                                "GREENROOM_KAFKA_CLIENT_ACKS", "all"));

        assertThat(settings.producer("usage"))
                .containsEntry("linger.ms", "3")
                .containsEntry("acks", "all")
                .containsEntry("retries", "7")
                .containsEntry("client.id", "mine-usage");
    }

    @Test
    void eachClientGetsWhatConcernsItAndWhatNobodyKnows() throws Exception {
        KafkaSettings settings =
                settings(
                        Map.of(
                                "linger.ms", "3",
                                "fetch.max.wait.ms", "5",
                                "security.protocol", "PLAINTEXT",
                                "my.interceptors.own", "x"));

        assertThat(settings.producer("a"))
                .containsKeys("linger.ms", "security.protocol", "my.interceptors.own")
                .doesNotContainKey("fetch.max.wait.ms");
        assertThat(settings.consumer("a"))
                .containsKeys("fetch.max.wait.ms", "security.protocol", "my.interceptors.own")
                .doesNotContainKey("linger.ms");
        assertThat(settings.admin("a"))
                .containsKeys("security.protocol", "my.interceptors.own")
                .doesNotContainKeys("fetch.max.wait.ms", "linger.ms");
    }

    @Test
    void everyMistakeIsToldAtOnceAndNoPasswordIs() {
        assertThatThrownBy(
                        () ->
                                settings(
                                        Map.of(
                                                "linger.ms", "soon",
                                                "security.protocol", "SASL",
                                                "key.serializer", "x.Y",
                                                "bootstrap.servers", "other:9092",
                                                "enable.metrics.push", "true",
                                                "compression.type", "zstd",
                                                "sasl.jaas.config", JAAS,
                                                "ssl.key.password", PASSWORD)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("6 options are wrong")
                .hasMessageContaining(
                        "greenroom.kafka.client.linger.ms=soon is not accepted: Invalid value")
                .hasMessageContaining("greenroom.kafka.client.security.protocol=SASL is not")
                .hasMessageContaining("key.serializer=x.Y is not accepted: Greenroom sets it")
                .hasMessageContaining("write greenroom.kafka.bootstrap-servers")
                .hasMessageContaining("enable.metrics.push=true is not accepted")
                .hasMessageContaining(
                        "compression.type=zstd is not accepted: the plugin does not bring its"
                                + " library; put the jar com.github.luben:zstd-jni beside the"
                                + " plugin's, or write gzip or none")
                .hasMessageNotContaining(PASSWORD);
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        Path file = folder.resolve("missing.properties");

        assertThatThrownBy(
                        () ->
                                settings(
                                        Map.of("greenroom.kafka.config-file", file.toString()),
                                        Map.of()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("greenroom.kafka.config-file=" + file + " is not accepted")
                .hasMessageContaining("NoSuchFileException");
    }

    @Test
    void secretsAreTakenOutOfAnyText() throws Exception {
        KafkaSettings settings =
                settings(
                        Map.of(
                                "sasl.jaas.config", JAAS,
                                "ssl.truststore.password", "pass=word+1",
                                "my.own.token", "t0ken",
                                "security.protocol", "SASL_SSL"));

        assertThat(
                        settings.redact(
                                "SASL_SSL: wrong '"
                                        + PASSWORD
                                        + "' or pass=word+1, t0ken; "
                                        + JAAS))
                .isEqualTo("SASL_SSL: wrong '[hidden]' or [hidden], [hidden]; [hidden]");
    }

    /** Notes through which loader Kafka found it. */
    public static final class Interceptor implements ProducerInterceptor<byte[], byte[]> {

        static final List<ClassLoader> LOADERS = new CopyOnWriteArrayList<>();

        @Override
        public ProducerRecord<byte[], byte[]> onSend(ProducerRecord<byte[], byte[]> record) {
            return record;
        }

        @Override
        public void onAcknowledgement(RecordMetadata metadata, Exception exception) {}

        @Override
        public void configure(Map<String, ?> configs) {
            LOADERS.add(Thread.currentThread().getContextClassLoader());
        }

        @Override
        public void close() {}
    }

    /** In the server the context class loader is not the plugin's. */
    @Test
    void kafkaFindsClassesWhereThePluginIs() throws Exception {
        KafkaSettings settings =
                settings(Map.of("interceptor.classes", Interceptor.class.getName()));
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        ClassLoader stranger = ClassLoader.getPlatformClassLoader();
        thread.setContextClassLoader(stranger);
        try (Producer<byte[], byte[]> producer = settings.newProducer("usage")) {
            assertThat(producer).isNotNull();
            assertThat(thread.getContextClassLoader()).isSameAs(stranger);
        } finally {
            thread.setContextClassLoader(before);
        }

        assertThat(Interceptor.LOADERS).containsOnly(KafkaSettings.class.getClassLoader());
    }

    @Test
    void consumersAndAdministratorsAreMadeWithoutABroker() throws Exception {
        try (Consumer<byte[], byte[]> consumer = settings(Map.of()).newConsumer("heat");
                var admin = settings(Map.of()).newAdmin("topics")) {
            assertThat(consumer.assignment()).isEmpty();
            assertThat(admin).isNotNull();
        }
    }
}
