package io.greenroom.fleet;

import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends on what was rejected, with the reason in a header, and counts it. */
final class Rejection implements FixedKeyProcessor<String, Message, byte[]> {

    private static final Logger logger = LoggerFactory.getLogger(Rejection.class);

    private @Nullable FixedKeyProcessorContext<String, byte[]> context;
    private long count;

    @Override
    public void init(FixedKeyProcessorContext<String, byte[]> newContext) {
        context = newContext;
    }

    @Override
    public void process(FixedKeyRecord<String, Message> record) {
        if (!(record.value() instanceof Message.Rejected rejected)) {
            return;
        }
        count++;
        if ((count & (count - 1)) == 0) { // the first, the second, the fourth, ...
            logger.warn(
                    "{} records rejected so far, the last one, of key {}, because it {}",
                    count,
                    record.key(),
                    rejected.reason());
        }
        Headers headers = new RecordHeaders(record.headers());
        headers.add(FleetTopology.REASON, rejected.reason().getBytes(StandardCharsets.UTF_8));
        Objects.requireNonNull(context)
                .forward(record.withValue(rejected.bytes()).withHeaders(headers));
    }
}
