package io.greenroom.fleet;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;

/**
 * Lets each report pass once, and says how many were lost before it. The reports of one loaded
 * model are numbered and come in order, since they have one key: one whose number is not above the
 * last was there already.
 *
 * <p>An instance that has not been heard of for a day is forgotten.
 */
final class Deduplication implements FixedKeyProcessor<String, Usage, Usage> {

    static final String STORE = "instances";

    static final Duration FORGET = Duration.ofDays(1);

    private @Nullable FixedKeyProcessorContext<String, Usage> context;
    private @Nullable KeyValueStore<String, byte[]> last; // sequence and time, by instance

    @Override
    public void init(FixedKeyProcessorContext<String, Usage> newContext) {
        context = newContext;
        last = newContext.getStateStore(STORE);
        var unused =
                newContext.schedule(
                        Duration.ofHours(1), PunctuationType.STREAM_TIME, this::forgetOld);
    }

    @Override
    public void process(FixedKeyRecord<String, Usage> record) {
        FixedKeyProcessorContext<String, Usage> to = Objects.requireNonNull(context);
        KeyValueStore<String, byte[]> store = Objects.requireNonNull(last);
        Usage usage = record.value();
        String instance = String.valueOf(usage.instance());
        byte[] known = store.get(instance);
        long before = known == null ? -1 : ByteBuffer.wrap(known).getLong();
        if (known != null && usage.sequence() <= before) {
            return;
        }
        long first = usage.sequence() - Math.max(1, usage.intervals()) + 1;
        long missed = known == null ? 0 : Math.max(0, first - before - 1);
        store.put(
                instance,
                ByteBuffer.allocate(16)
                        .putLong(usage.sequence())
                        .putLong(record.timestamp())
                        .array());
        to.forward(record.withValue(usage.withMissed(missed)));
    }

    private void forgetOld(long now) {
        KeyValueStore<String, byte[]> store = Objects.requireNonNull(last);
        try (KeyValueIterator<String, byte[]> all = store.all()) {
            while (all.hasNext()) {
                var entry = all.next();
                if (ByteBuffer.wrap(entry.value).getLong(8) < now - FORGET.toMillis()) {
                    store.delete(entry.key);
                }
            }
        }
    }
}
