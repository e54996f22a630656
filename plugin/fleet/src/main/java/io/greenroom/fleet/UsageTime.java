package io.greenroom.fleet;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.TimestampExtractor;

/**
 * The time of a usage record is the end of its interval, by the replica's clock. A replica whose
 * clock is far ahead would make all others late, so nothing is later than a moment from now.
 */
final class UsageTime implements TimestampExtractor {

    private static final long AHEAD = Duration.ofMinutes(1).toMillis();

    private final LongSupplier clock;

    /**
     * @param clock milliseconds since 1970
     */
    UsageTime(LongSupplier clock) {
        this.clock = clock;
    }

    @Override
    public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
        if (record.value() instanceof Message.Good good) {
            long end = good.usage().endTime().toEpochMilli();
            return Math.max(0, Math.min(end, clock.getAsLong() + AHEAD));
        }
        return Math.max(0, partitionTime);
    }
}
