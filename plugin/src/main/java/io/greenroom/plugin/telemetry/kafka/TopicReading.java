package io.greenroom.plugin.telemetry.kafka;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** Reads a topic once, from its beginning to where its end was at that time. */
final class TopicReading {

    private static final Duration POLL = Duration.ofMillis(200);

    private TopicReading() {}

    /**
     * Reads all partitions.
     *
     * @param consumer of no group; assigned here
     * @param timeout for all of it
     * @param records told one by one, those of a partition in order
     * @return whether the end was reached in time; true if there is no such topic
     * @throws org.apache.kafka.common.KafkaException if no broker answers, or says no
     */
    static boolean toEnd(
            Consumer<byte[], byte[]> consumer,
            String topic,
            Duration timeout,
            java.util.function.Consumer<ConsumerRecord<byte[], byte[]>> records) {
        Deadline deadline = new Deadline(System.nanoTime() + timeout.toNanos());
        List<PartitionInfo> known = consumer.partitionsFor(topic, deadline.left());
        if (known == null || known.isEmpty()) {
            return true;
        }
        List<TopicPartition> partitions =
                known.stream().map(one -> new TopicPartition(topic, one.partition())).toList();
        consumer.assign(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, deadline.left());
        consumer.seekToBeginning(partitions);
        while (!isRead(consumer, ends, deadline)) {
            if (deadline.left().isZero()) {
                return false;
            }
            Duration wait = deadline.left().compareTo(POLL) < 0 ? deadline.left() : POLL;
            consumer.poll(wait).forEach(records);
        }
        return true;
    }

    private static boolean isRead(
            Consumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends, Deadline deadline) {
        return ends.entrySet().stream()
                .allMatch(
                        end ->
                                consumer.position(end.getKey(), deadline.left())
                                        >= Objects.requireNonNull(end.getValue()));
    }

    private record Deadline(long at) {

        Duration left() {
            return Duration.ofNanos(Math.max(0, at - System.nanoTime()));
        }
    }
}
