package io.greenroom.plugin.telemetry.kafka;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.heat.HeatJson;
import io.greenroom.plugin.heat.HeatKey;
import io.greenroom.plugin.heat.HeatRecord;
import io.greenroom.plugin.heat.HeatStore;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A compacted topic with the newest heat of every model; the key is {@code model@fingerprint}.
 *
 * <p>Heat is read once per load and written every few minutes at most, so clients live for one call
 * only: where no broker answers, none is left behind that asks for it.
 */
@Singleton
final class KafkaHeatStore implements HeatStore {

    private static final Logger logger = LoggerFactory.getLogger(KafkaHeatStore.class);

    private static final long SEND_SECONDS = 5;

    private final KafkaSettings kafka;
    private final String topic;
    private final TopicCreation creation;
    private final Supplier<Consumer<byte[], byte[]>> consumers;
    private final Supplier<Producer<byte[], byte[]>> producers;

    @Inject
    KafkaHeatStore(KafkaSettings kafka, PluginSettings settings) {
        this(
                kafka,
                settings.kafkaHeatTopic(),
                new TopicCreation(
                        kafka,
                        settings,
                        settings.kafkaHeatTopic(),
                        Map.of("cleanup.policy", "compact")),
                () -> kafka.newConsumer("heat"),
                () -> kafka.newProducer("heat"));
    }

    KafkaHeatStore(
            KafkaSettings kafka,
            String topic,
            TopicCreation creation,
            Supplier<Consumer<byte[], byte[]>> consumers,
            Supplier<Producer<byte[], byte[]>> producers) {
        this.kafka = kafka;
        this.topic = topic;
        this.creation = creation;
        this.consumers = consumers;
        this.producers = producers;
    }

    @Override
    public String name() {
        return "Kafka topic " + topic;
    }

    @Override
    public boolean isOn() {
        return kafka.isOn() && !topic.isEmpty();
    }

    /**
     * {@inheritDoc}
     *
     * <p>A topic that is not there holds nothing. Where the time is up before the topic's end, the
     * best of what was read counts.
     */
    @Override
    public Optional<HeatRecord> read(HeatKey key, Duration timeout)
            throws IOException, InterruptedException {
        HeatSearch search = new HeatSearch(key);
        Consumer<byte[], byte[]> consumer = null;
        try {
            consumer = consumers.get();
            boolean whole = TopicReading.toEnd(consumer, topic, timeout, search::add);
            if (search.refused() > 0) {
                logger.warn(
                        "{} records in the {} are no heat records and are passed over, the last"
                                + " because it {}",
                        search.refused(),
                        name(),
                        search.refusal());
            }
            if (!whole && search.best().isEmpty()) {
                throw new IOException("the topic's end was not reached within " + timeout);
            }
            return search.best();
        } catch (InterruptException e) {
            throw interrupted(e);
        } catch (KafkaException e) {
            throw failure(e);
        } finally {
            if (consumer != null) {
                consumer.close(Duration.ZERO);
            }
        }
    }

    @Override
    public void write(HeatRecord heat) throws IOException, InterruptedException {
        byte[] key = heat.key().toString().getBytes(StandardCharsets.UTF_8);
        byte[] value = HeatJson.toJson(heat).getBytes(StandardCharsets.UTF_8);
        Producer<byte[], byte[]> producer = null;
        try {
            creation.attempt();
            producer = producers.get();
            var unused =
                    producer.send(new ProducerRecord<>(topic, key, value))
                            .get(SEND_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptException e) {
            throw interrupted(e);
        } catch (TimeoutException e) {
            throw new IOException("no broker took it within " + SEND_SECONDS + " s", e);
        } catch (ExecutionException e) {
            throw failure(e.getCause() == null ? e : e.getCause());
        } catch (KafkaException e) {
            throw failure(e);
        } finally {
            if (producer != null) {
                producer.close(Duration.ZERO);
            }
        }
    }

    private IOException failure(Throwable error) {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        return new IOException(
                kafka.redact(
                        error == cause
                                ? String.valueOf(error.getMessage())
                                : error.getMessage() + ": " + cause.getMessage()));
    }

    private static InterruptedException interrupted(InterruptException e) {
        Thread.interrupted(); // Kafka's exception sets it again
        InterruptedException interrupted = new InterruptedException("while speaking to Kafka");
        interrupted.initCause(e);
        return interrupted;
    }
}
