package io.greenroom.plugin.http;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.decoder.BudgetCurve;
import io.greenroom.offload.decoder.BudgetRange;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.decoder.PrefetchStatus;
import io.greenroom.offload.decoder.Residency;
import io.greenroom.plugin.telemetry.SinkStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One model at one time, as the page shows it.
 *
 * @param about what does not change while it is loaded
 * @param status budget and counters
 * @param usage counters per expert since the load
 * @param grown what they grew by since the reading before; empty of counts in the first
 * @param residency who is in memory
 * @param budget as it was asked for
 * @param prefetch what it does, and why
 * @param curve what other budgets would bring
 * @param curveIsNew whether the curve was computed for this reading
 * @param rates of the time since the reading before, or null in the first
 */
record ModelReading(
        About about,
        MoeModel.Status status,
        UsageSnapshot usage,
        UsageSnapshot grown,
        Residency residency,
        ExpertBudget budget,
        PrefetchStatus prefetch,
        BudgetCurve curve,
        boolean curveIsNew,
        @Nullable Rates rates) {

    /**
     * What does not change while a model is loaded.
     *
     * @param instance number of this load, different after each
     * @param name clients use
     * @param version or null
     * @param contextLength in tokens
     * @param range of its budget
     * @param routing what requests get that ask for nothing
     */
    record About(
            long instance,
            String name,
            @Nullable String version,
            int contextLength,
            BudgetRange range,
            String routing) {}

    /**
     * What happened since the reading before.
     *
     * @param seconds how long that was
     * @param tokensIn prompt tokens
     * @param tokensOut tokens produced
     * @param hits visited experts that were in memory
     * @param misses visited experts that were not
     * @param stallSeconds decoding waited for experts
     * @param bytesRead by completed reads
     */
    record Rates(
            double seconds,
            long tokensIn,
            long tokensOut,
            long hits,
            long misses,
            double stallSeconds,
            long bytesRead) {}

    /**
     * All models and sinks at one time.
     *
     * @param time milliseconds since 1970
     */
    record All(long time, List<ModelReading> models, List<SinkStatus> telemetry) {}
}
