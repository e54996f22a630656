package io.greenroom.plugin.http;

import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.telemetry.SinkStatus;
import java.time.Clock;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the page shows, computed once however many pages are open. Used by one thread at a time,
 * which is none that decodes.
 */
final class LiveView {

    private static final Logger logger = LoggerFactory.getLogger(LiveView.class);

    private final Supplier<List<ServedModel>> models;
    private final Supplier<List<SinkStatus>> telemetry;
    private final Clock clock;
    private final LongSupplier nanos;
    private Map<MoeEngineModel, ModelMeter> meters = new IdentityHashMap<>();
    private long instances;
    private long failures;

    /**
     * @param models those loaded
     * @param telemetry the sinks of usage records
     * @param clock for the time of frames
     * @param nanos for rates
     */
    LiveView(
            Supplier<List<ServedModel>> models,
            Supplier<List<SinkStatus>> telemetry,
            Clock clock,
            LongSupplier nanos) {
        this.models = models;
        this.telemetry = telemetry;
        this.clock = clock;
        this.nanos = nanos;
    }

    /** All models now, and what changed since the frame before. */
    LiveFrame next() {
        Map<MoeEngineModel, ModelMeter> now = new IdentityHashMap<>();
        List<ModelReading> readings = new ArrayList<>();
        boolean sameModels = true;
        for (ServedModel served : models.get()) {
            MoeEngineModel model = served.model();
            try {
                MoeModel moe = model.moe(); // throws if it is being unloaded
                ModelMeter meter = meters.get(model);
                if (meter == null) {
                    meter = new ModelMeter(++instances, served, moe);
                    sameModels = false;
                }
                readings.add(meter.read(nanos.getAsLong()));
                now.put(model, meter);
            } catch (RuntimeException e) {
                // One that is being unloaded cannot be read; any other must not hide the rest.
                if (isPowerOfTwo(++failures)) {
                    logger.debug("Model {} is not shown this time", served.name(), e);
                }
            }
        }
        sameModels &= now.size() == meters.size();
        meters = now;
        return new LiveFrame(
                new ModelReading.All(clock.millis(), readings, telemetry.get()), !sameModels);
    }

    /** Forgets all models; the next frame is as the first. */
    void forget() {
        meters = new IdentityHashMap<>();
    }

    private static boolean isPowerOfTwo(long n) {
        return (n & (n - 1)) == 0;
    }
}
