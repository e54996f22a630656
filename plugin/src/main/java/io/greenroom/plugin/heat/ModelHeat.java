package io.greenroom.plugin.heat;

import io.greenroom.cache.heat.Heat;
import io.greenroom.cache.heat.HeatMeter;
import io.greenroom.cache.heat.Publication;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.decoder.MoeModel;
import java.io.IOException;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The heat of one loaded model: goes on from what was read, follows the model's counters, and is
 * written to each store when what that store has is stale. A store that fails is tried again at the
 * next look, and complained about once until it works again.
 */
final class ModelHeat {

    private static final Logger logger = LoggerFactory.getLogger(ModelHeat.class);

    private final Supplier<String> name;
    private final MoeModel model;
    private final String fingerprint;
    private final String host;
    private final Clock clock;
    private final HeatMeter meter;
    private final Map<HeatStore, Heat> kept = new HashMap<>(); // what each store has
    private final Map<HeatStore, String> failing = new HashMap<>();
    private @Nullable UsageSnapshot seen;
    private long routed; // selections seen
    private final Map<HeatStore, Long> keptAt = new HashMap<>(); // selections seen by then
    private boolean ended;

    /**
     * @param name the name clients use; the server tells it after the load
     * @param meter new
     */
    ModelHeat(
            Supplier<String> name,
            MoeModel model,
            String fingerprint,
            String host,
            Clock clock,
            HeatMeter meter) {
        this.name = name;
        this.model = model;
        this.fingerprint = fingerprint;
        this.host = host;
        this.clock = clock;
        this.meter = meter;
    }

    HeatKey key() {
        return new HeatKey(name.get(), fingerprint);
    }

    /** Whether heat is of a model with as many layers and experts. */
    synchronized boolean fits(Heat heat) {
        return meter.heat().fits(heat.layers(), heat.experts());
    }

    /** What a store had at the load. */
    synchronized void found(HeatStore store, Heat heat) {
        kept.put(store, heat);
    }

    /** Begins with a heat that was found. */
    synchronized void begin(Heat heat) {
        meter.begin(heat);
    }

    /** Reads the counters, and writes where that is due. */
    synchronized void look(List<HeatStore> stores) throws InterruptedException {
        if (!ended) {
            Heat now = measure();
            int slots = model.status().slots();
            for (HeatStore store : stores) {
                if (Publication.isDue(now, kept.get(store), slots)) {
                    write(store, now);
                }
            }
        }
    }

    /** The last look: what was seen since the last writing is kept, stale or not. Once. */
    synchronized void end(List<HeatStore> stores) throws InterruptedException {
        if (ended) {
            return;
        }
        ended = true;
        Heat now = measure();
        for (HeatStore store : stores) {
            if (routed > keptAt.getOrDefault(store, 0L)
                    && now.tokens() >= Publication.LEAST_TOKENS) {
                write(store, now);
            }
        }
    }

    private Heat measure() {
        UsageSnapshot total = model.usage();
        UsageSnapshot grown = seen == null ? total : total.since(seen);
        seen = total;
        routed += grown.sum(ExpertCounter.ROUTED);
        meter.add(grown);
        return meter.heat();
    }

    private void write(HeatStore store, Heat heat) throws InterruptedException {
        try {
            store.write(new HeatRecord(key(), host, clock.instant(), heat));
            kept.put(store, heat);
            keptAt.put(store, routed);
            if (failing.remove(store) != null) {
                logger.info("Model {}: heat is written to the {} again", name.get(), store.name());
            } else {
                logger.debug("Model {}: heat written to the {}", name.get(), store.name());
            }
        } catch (IOException | RuntimeException e) {
            if (failing.put(store, String.valueOf(e)) == null) {
                logger.warn(
                        "Model {}: heat could not be written to the {}; it will be tried again: {}",
                        name.get(),
                        store.name(),
                        e.toString());
            }
        }
    }
}
