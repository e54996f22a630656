package io.greenroom.plugin.telemetry.kafka;

import io.greenroom.plugin.config.PluginSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates a topic where {@code greenroom.kafka.topic-create} asks for it, once a broker answers. A
 * topic that is there stays as it is. Used by one thread.
 */
public final class TopicCreation {

    private static final Logger logger = LoggerFactory.getLogger(TopicCreation.class);

    private static final int TIMEOUT_MILLIS = 3000;
    private static final long PAUSE_NANOS = Duration.ofSeconds(10).toNanos();

    private final NewTopic topic;
    private final Supplier<Admin> admins;
    private final UnaryOperator<String> redact;
    private final LongSupplier nanos;
    private boolean over;
    private long nextAttempt;

    /**
     * @param topic its name
     * @param properties of the topic, by Kafka's names
     */
    public TopicCreation(
            KafkaSettings kafka,
            PluginSettings settings,
            String topic,
            Map<String, String> properties) {
        this(
                settings,
                topic,
                properties,
                () -> kafka.newAdmin("topics"),
                kafka::redact,
                System::nanoTime);
    }

    TopicCreation(
            PluginSettings settings,
            String topic,
            Map<String, String> properties,
            Supplier<Admin> admins,
            UnaryOperator<String> redact,
            LongSupplier nanos) {
        this.topic =
                new NewTopic(
                                topic,
                                settings.kafkaTopicPartitions(),
                                settings.kafkaTopicReplication().map(Integer::shortValue))
                        .configs(properties);
        this.admins = admins;
        this.redact = redact;
        this.nanos = nanos;
        this.over = !settings.kafkaTopicCreate();
        this.nextAttempt = nanos.getAsLong();
    }

    /**
     * Creates the topic, unless that is done or was tried just now. Takes some seconds where no
     * broker answers.
     */
    public void attempt() throws InterruptedException {
        if (over || nanos.getAsLong() - nextAttempt < 0) {
            return;
        }
        try (Admin admin = admins.get()) {
            admin.createTopics(List.of(topic), new CreateTopicsOptions().timeoutMs(TIMEOUT_MILLIS))
                    .all()
                    .get();
            logger.info("Created the Kafka topic {}", topic.name());
            over = true;
        } catch (ExecutionException e) {
            over = !(e.getCause() instanceof RetriableException);
            if (over && !(e.getCause() instanceof TopicExistsException)) {
                logger.warn(
                        "The Kafka topic {} cannot be created: {}",
                        topic.name(),
                        redact.apply(String.valueOf(e.getCause())));
            }
        } catch (KafkaException e) {
            over = false; // a broker's name was not resolved; what sends records says so
        }
        nextAttempt = nanos.getAsLong() + PAUSE_NANOS;
    }
}
