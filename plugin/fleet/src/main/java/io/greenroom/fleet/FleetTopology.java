package io.greenroom.fleet;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Usage records in; windows per model, heat per checkpoint and rejects out.
 *
 * <pre>
 * usage topic (key: model)
 *   -> read, or reject -> rejected topic
 *   -> each report once (store "instances")
 *        -> window 10 s, 60 s, ... (stores "usage-10s", ...) -> fleet topic
 *        -> heat of each checkpoint (store "heat")           -> heat topic
 * </pre>
 *
 * <p>Everything is keyed by the model's name, as the records are: nothing is repartitioned, and a
 * model's records are counted where its partition is.
 */
final class FleetTopology {

    /** The header that says why a record was rejected. */
    static final String REASON = "greenroom-rejected";

    private FleetTopology() {}

    /**
     * @param clock milliseconds since 1970, to tell clocks that are far ahead
     */
    static Topology build(FleetSettings settings, LongSupplier clock) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(
                Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore(Deduplication.STORE),
                        Serdes.String(),
                        Serdes.ByteArray()));
        KStream<String, Message> messages =
                builder.stream(
                                settings.usageTopic(),
                                Consumed.with(Serdes.String(), messages())
                                        .withTimestampExtractor(new UsageTime(clock)))
                        .mapValues(FleetTopology::checkKey);
        reject(messages, settings);
        KStream<String, Usage> usage =
                messages.filter((model, message) -> message instanceof Message.Good)
                        .mapValues(message -> ((Message.Good) message).usage())
                        .processValues(Deduplication::new, Deduplication.STORE);
        for (Duration length : settings.windows()) {
            window(usage, length, settings);
        }
        if (!settings.heatTopic().isEmpty()) {
            builder.addStateStore(
                    Stores.keyValueStoreBuilder(
                                    Stores.persistentKeyValueStore(HeatMerging.STORE),
                                    Serdes.String(),
                                    FleetHeat.serde())
                            .withCachingEnabled());
            usage.process(
                            () ->
                                    new HeatMerging(
                                            settings.heatHalfLife(),
                                            settings.heatInterval().toMillis()),
                            HeatMerging.STORE)
                    .to(settings.heatTopic(), Produced.with(Serdes.String(), Serdes.String()));
        }
        return builder.build();
    }

    /** A record is counted where its key puts it; with another key it would be counted twice. */
    private static Message checkKey(String key, Message message) {
        if (message instanceof Message.Good good && !Objects.equals(key, good.usage().model())) {
            return new Message.Rejected(
                    good.bytes(), "is of model " + good.usage().model() + ", its key is " + key);
        }
        return message;
    }

    private static void reject(KStream<String, Message> messages, FleetSettings settings) {
        KStream<String, byte[]> rejected =
                messages.filter((model, message) -> message instanceof Message.Rejected)
                        .processValues(Rejection::new);
        if (!settings.rejectedTopic().isEmpty()) {
            rejected.to(
                    settings.rejectedTopic(), Produced.with(Serdes.String(), Serdes.ByteArray()));
        }
    }

    private static void window(
            KStream<String, Usage> usage, Duration length, FleetSettings settings) {
        usage.groupByKey()
                .windowedBy(TimeWindows.ofSizeAndGrace(length, settings.grace()))
                .aggregate(
                        ModelWindow::new,
                        (model, one, window) -> window.add(one),
                        Materialized.<String, ModelWindow, WindowStore<Bytes, byte[]>>as(
                                        "usage-" + length.toSeconds() + "s")
                                .withKeySerde(Serdes.String())
                                .withValueSerde(WindowJson.serde())
                                .withRetention(length.plus(settings.grace())))
                .toStream()
                .map(
                        (windowed, window) ->
                                KeyValue.pair(
                                        WindowJson.key(
                                                windowed.key(),
                                                windowed.window().startTime(),
                                                length),
                                        WindowJson.toJson(
                                                windowed.key(),
                                                windowed.window().startTime(),
                                                length,
                                                window)))
                .to(settings.fleetTopic(), Produced.with(Serdes.String(), Serdes.String()));
    }

    /** Only ever read: messages are not sent on as such. */
    private static Serde<Message> messages() {
        return Serdes.serdeFrom(
                (topic, message) -> String.valueOf(message).getBytes(StandardCharsets.UTF_8),
                new UsageReader());
    }
}
