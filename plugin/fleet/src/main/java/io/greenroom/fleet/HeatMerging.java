package io.greenroom.fleet;

import io.greenroom.plugin.heat.HeatJson;
import io.greenroom.plugin.heat.HeatKey;
import io.greenroom.plugin.heat.HeatRecord;
import java.time.Instant;
import java.util.Objects;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;

/**
 * Forms the heat of each checkpoint from the usage of all replicas, and tells it by the same rule
 * as a replica does: when one that began with what was told last would lose by it.
 */
final class HeatMerging implements Processor<String, Usage, String, String> {

    static final String STORE = "heat";

    private final double halfLifeTokens;
    private final long intervalMillis;
    private @Nullable ProcessorContext<String, String> context;
    private @Nullable KeyValueStore<String, FleetHeat> heats; // by model@fingerprint

    HeatMerging(double halfLifeTokens, long intervalMillis) {
        this.halfLifeTokens = halfLifeTokens;
        this.intervalMillis = intervalMillis;
    }

    @Override
    public void init(ProcessorContext<String, String> newContext) {
        context = newContext;
        heats = newContext.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, Usage> record) {
        KeyValueStore<String, FleetHeat> store = Objects.requireNonNull(heats);
        Usage usage = record.value();
        if (usage.expertsPerToken() == 0) {
            return; // shares cannot be told from it
        }
        HeatKey key = new HeatKey(record.key(), String.valueOf(usage.fingerprint()));
        FleetHeat before = store.get(key.toString());
        FleetHeat known = before == null || !before.fits(usage) ? FleetHeat.of(usage) : before;
        FleetHeat heat = known.plus(usage, halfLifeTokens);
        long time = record.timestamp();
        if (heat.isDue(time, intervalMillis, usage.slots())) {
            heat = heat.published(time);
            HeatRecord told = new HeatRecord(key, "fleet", Instant.ofEpochMilli(time), heat.now());
            Objects.requireNonNull(context)
                    .forward(new Record<>(key.toString(), HeatJson.toJson(told), time));
        }
        store.put(key.toString(), heat);
    }
}
