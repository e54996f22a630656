package io.greenroom.plugin.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class PluginSettingsTest {

    private static PluginSettings read(
            Map<String, String> properties, Map<String, String> environment)
            throws ConfigException {
        return new PluginSettings(properties, environment);
    }

    @Test
    void nothingSetMeansTheDefaults() throws Exception {
        PluginSettings settings = read(Map.of(), Map.of());

        assertThat(settings.maxRequestBytes()).isEqualTo(16 << 20);
        assertThat(settings.maxUnsentBytes()).isEqualTo(4 << 20);
    }

    @Test
    void propertiesGoBeforeTheEnvironment() throws Exception {
        PluginSettings settings =
                read(
                        Map.of("greenroom.max-request", "1MiB"),
                        Map.of("GREENROOM_MAX_REQUEST", "2MiB", "GREENROOM_MAX_UNSENT", "3KiB"));

        assertThat(settings.maxRequestBytes()).isEqualTo(1 << 20);
        assertThat(settings.maxUnsentBytes()).isEqualTo(3 << 10);
    }

    @Test
    void wrongValuesAreRefusedByTheNameTheyWereGiven() {
        assertThatThrownBy(
                        () ->
                                read(
                                        Map.of("greenroom.max-request", "big"),
                                        Map.of("GREENROOM_MAX_UNSENT", "-1")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("2 options are wrong")
                .hasMessageContaining("greenroom.max-request=big is not accepted")
                .hasMessageContaining("GREENROOM_MAX_UNSENT=-1 is not accepted");
    }

    @Test
    void propertiesOfKafkasClientsGoThroughUnderKafkasNames() throws Exception {
        PluginSettings settings =
                read(
                        Map.of(
                                "greenroom.kafka.client.security.protocol", "SASL_SSL",
                                "greenroom.kafka.bootstrap-servers", "a:9092 , [::1]:9093"),
                        Map.of(
                                "GREENROOM_KAFKA_CLIENT_SECURITY_PROTOCOL", "SSL",
                                "GREENROOM_KAFKA_CLIENT_SASL_JAAS_CONFIG", "x",
                                "GREENROOM_KAFKA_TOPIC_PARTITIONS", "3"));

        assertThat(settings.kafkaClient())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("security.protocol", "SASL_SSL", "sasl.jaas.config", "x"));
        assertThat(settings.kafkaServers()).contains("a:9092,[::1]:9093");
        assertThat(settings.kafkaTopicPartitions()).contains(3);
        assertThat(settings.kafkaTopic()).isEqualTo("greenroom.expert-usage");
    }

    @Test
    void serversAndTopicsHaveAForm() {
        assertThatThrownBy(
                        () ->
                                read(
                                        Map.of(
                                                "greenroom.kafka.bootstrap-servers", "a:9092,b",
                                                "greenroom.kafka.topic", "a topic"),
                                        Map.of()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(
                        "greenroom.kafka.bootstrap-servers=a:9092,b is not accepted: write"
                                + " host:port")
                .hasMessageContaining(
                        "greenroom.kafka.topic=a topic is not accepted: write a topic's name");
    }
}
