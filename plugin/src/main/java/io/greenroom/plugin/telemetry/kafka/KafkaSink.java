package io.greenroom.plugin.telemetry.kafka;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.telemetry.UsageJson;
import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageSink;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;

/**
 * Sends usage records to a Kafka topic; the key is the model's name. What cannot be sent within the
 * producer's patience and memory is lost, and counted.
 */
@Singleton
public final class KafkaSink implements UsageSink {

    /** Between two attempts to make a producer, or a topic. */
    private static final Duration PAUSE = Duration.ofSeconds(10);

    /** The plugin's end does not wait long for a broker. */
    private static final Duration CLOSE = Duration.ofMillis(1500);

    private final KafkaSettings kafka;
    private final String topic;
    private final Duration interval;
    private final Supplier<Producer<byte[], byte[]>> producers;
    private final TopicCreation creation;
    private final Delivery delivery;
    private final LongSupplier nanos;

    // Of the thread that calls accept.
    private @Nullable Producer<byte[], byte[]> producer;
    private long nextAttempt;
    private String refusal = "";

    @Inject
    public KafkaSink(KafkaSettings kafka, PluginSettings settings) {
        this(
                kafka,
                settings,
                () -> kafka.newProducer("usage"),
                new TopicCreation(kafka, settings, settings.kafkaTopic(), Map.of()),
                Clock.systemUTC(),
                System::nanoTime);
    }

    KafkaSink(
            KafkaSettings kafka,
            PluginSettings settings,
            Supplier<Producer<byte[], byte[]>> producers,
            TopicCreation creation,
            Clock clock,
            LongSupplier nanos) {
        this.kafka = kafka;
        this.topic = settings.kafkaTopic();
        this.interval = settings.kafkaInterval();
        this.producers = producers;
        this.creation = creation;
        this.delivery =
                new Delivery(
                        "topic " + topic + " at " + kafka.servers(), kafka::redact, clock, nanos);
        this.nanos = nanos;
        this.nextAttempt = nanos.getAsLong();
    }

    @Override
    public String name() {
        return "kafka";
    }

    @Override
    public boolean isOn() {
        return kafka.isOn();
    }

    @Override
    public Duration interval() {
        return interval;
    }

    @Override
    public String state() {
        return isOn() ? delivery.state() : "off: greenroom.kafka.bootstrap-servers is not set";
    }

    @Override
    public Outstanding outstanding() {
        return delivery.outstanding();
    }

    @Override
    public void accept(UsageRecord record) throws InterruptedException {
        byte[] key = record.origin().model().getBytes(StandardCharsets.UTF_8);
        byte[] value = UsageJson.toJson(record).getBytes(StandardCharsets.UTF_8);
        Producer<byte[], byte[]> connected = producer();
        creation.attempt();
        Delivery.Ticket ticket = delivery.sent(record.intervals());
        try {
            // Waits for the broker's metadata and for memory, each no longer than max.block.ms.
            var unused =
                    connected.send(
                            new ProducerRecord<>(topic, key, value),
                            (metadata, error) -> {
                                if (error == null) {
                                    delivery.arrived(ticket);
                                } else {
                                    delivery.lost(ticket, explained(connected, error));
                                }
                            });
        } catch (InterruptException e) {
            delivery.withdrawn(ticket);
            Thread.interrupted(); // Kafka's exception sets it again
            throw interrupted(e);
        } catch (RuntimeException e) {
            // Such a producer is beyond help: it was denied its id, or fenced.
            delivery.withdrawn(ticket);
            producer = null;
            var unused = closing(connected, Duration.ZERO);
            throw refuse(e);
        }
    }

    private static InterruptedException interrupted(Exception cause) {
        InterruptedException interrupted = new InterruptedException("while sending to Kafka");
        interrupted.initCause(cause);
        return interrupted;
    }

    private Producer<byte[], byte[]> producer() {
        if (producer != null) {
            return producer;
        }
        if (nanos.getAsLong() - nextAttempt < 0) {
            throw new KafkaSinkException(refusal);
        }
        try {
            producer = producers.get();
            return producer;
        } catch (KafkaException e) {
            throw refuse(e);
        }
    }

    /** Notes why nothing can be sent for a while. */
    private KafkaSinkException refuse(RuntimeException e) {
        refusal = kafka.redact(causes(e));
        delivery.refused(refusal);
        nextAttempt = nanos.getAsLong() + PAUSE.toNanos();
        return new KafkaSinkException(refusal);
    }

    private static String causes(Throwable error) {
        StringBuilder text = new StringBuilder(String.valueOf(error.getMessage()));
        Throwable cause = error.getCause();
        for (int depth = 0; cause != null && depth < 3; depth++) {
            text.append(": ").append(cause.getMessage());
            cause = cause.getCause();
        }
        return text.toString();
    }

    /** Kafka's message alone does not tell a topic that is not there from a broker that is not. */
    private String explained(Producer<byte[], byte[]> connected, Exception error) {
        return DeliveryFailure.explain(error, topic, DeliveryFailure.hasMetadata(connected));
    }

    @Override
    public void close() {
        Producer<byte[], byte[]> last = producer;
        if (last == null) {
            return;
        }
        producer = null;
        try {
            closing(last, CLOSE).join(2 * CLOSE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Closes a producer beside us: whatever time it is given, it waits for its own thread, and that
     * may wait for a silent broker as long as {@code request.timeout.ms}.
     */
    private static Thread closing(Producer<byte[], byte[]> producer, Duration patience) {
        Thread thread = new Thread(() -> producer.close(patience), "greenroom-kafka-close");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
