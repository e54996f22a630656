package io.greenroom.plugin.http;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.decoder.BudgetCurve;
import io.greenroom.offload.decoder.MoeModel;
import org.jspecify.annotations.Nullable;

/**
 * Reads one loaded model for the page, and tells what changed between readings. Only takes
 * snapshots, so decoding does not wait for it. Used by one thread at a time.
 */
final class ModelMeter {

    /** The curve changes slowly and costs more than the rest: it is computed at every so many. */
    static final int CURVE_EVERY = 4;

    private final ModelReading.About about;
    private final MoeModel model;
    private int readings;
    private long lastNanos;
    private MoeModel.@Nullable Status last;
    private @Nullable UsageSnapshot lastUsage;
    private BudgetCurve curve = BudgetCurve.UNKNOWN;

    /**
     * @param instance number of this load
     * @param model of the served one
     */
    ModelMeter(long instance, ServedModel served, MoeModel model) {
        this.model = model;
        this.about =
                new ModelReading.About(
                        instance,
                        served.name(),
                        served.version(),
                        model.contextLength(),
                        model.budgetRange(),
                        model.routing().standard().toString());
    }

    /**
     * The model now.
     *
     * @param nanos of a clock that only goes forward
     */
    ModelReading read(long nanos) {
        MoeModel.Status status = model.status();
        UsageSnapshot usage = model.usage();
        UsageSnapshot grown = usage.since(lastUsage == null ? usage : lastUsage);
        ModelReading.Rates rates = last == null ? null : rates(last, status, nanos - lastNanos);
        boolean curveIsNew = readings++ % CURVE_EVERY == 0;
        if (curveIsNew) {
            curve = model.missRatioCurve();
        }
        last = status;
        lastUsage = usage;
        lastNanos = nanos;
        return new ModelReading(
                about,
                status,
                usage,
                grown,
                model.residency(),
                model.budget(),
                model.prefetch(),
                curve,
                curveIsNew,
                rates);
    }

    private static ModelReading.Rates rates(
            MoeModel.Status before, MoeModel.Status now, long nanos) {
        CacheStats then = before.cache();
        CacheStats cache = now.cache();
        return new ModelReading.Rates(
                nanos / 1e9,
                now.tokensIn() - before.tokensIn(),
                now.tokensOut() - before.tokensOut(),
                cache.hits() - then.hits(),
                cache.misses() - then.misses(),
                (cache.stallNanos() - then.stallNanos()) / 1e9,
                cache.bytesLoaded() - then.bytesLoaded());
    }
}
