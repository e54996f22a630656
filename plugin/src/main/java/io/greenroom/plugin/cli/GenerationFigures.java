package io.greenroom.plugin.cli;

import com.google.gson.JsonObject;
import io.greenroom.cache.CacheStats;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.protocol.PrecisionUsage;
import io.greenroom.plugin.protocol.RoutingUsage;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a generation cost, from the difference of two snapshots of its model.
 *
 * @param promptTokens tokens read
 * @param tokens tokens produced
 * @param seconds wall-clock time of the whole request
 * @param hits experts found in memory
 * @param misses experts that had to be read
 * @param bytesRead bytes of experts brought in
 * @param stallSeconds time the model waited for experts with nothing to compute
 * @param routing how far it was allowed to yield to resident experts
 * @param routingCost what that came to
 * @param precisionCost what mixed precision changed, or null where it is off
 */
record GenerationFigures(
        long promptTokens,
        long tokens,
        double seconds,
        long hits,
        long misses,
        long bytesRead,
        double stallSeconds,
        RoutingDial routing,
        RoutingCost routingCost,
        @Nullable PrecisionCost precisionCost) {

    private static final double NANOS = 1e9;

    /** The model before the request. */
    record Start(
            MoeModel.Status status,
            RoutingCost routingCost,
            @Nullable PrecisionCost precisionCost,
            long nanos) {

        GenerationFigures end(MoeModel model) {
            long took = System.nanoTime() - nanos;
            MoeModel.Routing routing = model.routing();
            return between(
                    status,
                    model.status(),
                    took,
                    routing.standard(),
                    routing.cost().since(routingCost),
                    since(precisionOf(model)));
        }

        private @Nullable PrecisionCost since(@Nullable PrecisionCost now) {
            return now == null || precisionCost == null ? now : now.since(precisionCost);
        }
    }

    static Start start(MoeModel model) {
        return new Start(
                model.status(), model.routing().cost(), precisionOf(model), System.nanoTime());
    }

    private static @Nullable PrecisionCost precisionOf(MoeModel model) {
        MoeModel.MixedStatus mixed = model.mixedPrecision().orElse(null);
        return mixed == null ? null : mixed.cost();
    }

    static GenerationFigures between(
            MoeModel.Status before,
            MoeModel.Status after,
            long nanos,
            RoutingDial routing,
            RoutingCost routingCost,
            @Nullable PrecisionCost precisionCost) {
        CacheStats first = before.cache();
        CacheStats last = after.cache();
        return new GenerationFigures(
                after.tokensIn() - before.tokensIn(),
                after.tokensOut() - before.tokensOut(),
                nanos / NANOS,
                last.hits() - first.hits(),
                last.misses() - first.misses(),
                last.bytesLoaded() - first.bytesLoaded(),
                (last.stallNanos() - first.stallNanos()) / NANOS,
                routing,
                routingCost,
                precisionCost);
    }

    double tokensPerSecond() {
        return seconds == 0 ? 0 : tokens / seconds;
    }

    double hitRate() {
        long visited = hits + misses;
        return visited == 0 ? 0 : (double) hits / visited;
    }

    String inWords() {
        return cost() + routingInWords() + precisionInWords();
    }

    private String routingInWords() {
        return routing.isExact()
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; routing %s altered %.1f %% of choices, %.1f %% of router weight lost",
                        routing,
                        100 * routingCost.alteredShare(),
                        100 * routingCost.lostShare());
    }

    private String precisionInWords() {
        return precisionCost == null
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; %.1f %% of choices in low precision, %.1f %% skipped, %s not read",
                        100 * precisionCost.copiedShare(),
                        100 * precisionCost.skippedShare(),
                        ModelFacts.size(Math.max(0, precisionCost.savedBytes())));
    }

    private String cost() {
        return String.format(
                Locale.ROOT,
                "%d tokens after %d in %.2f s (%.1f tokens/s), %.1f %% of experts found in memory,"
                        + " %s read, %.2f s stalled",
                tokens,
                promptTokens,
                seconds,
                tokensPerSecond(),
                100 * hitRate(),
                ModelFacts.size(bytesRead),
                stallSeconds);
    }

    void addTo(JsonObject json) {
        json.addProperty("prompt_tokens", promptTokens);
        json.addProperty("tokens", tokens);
        json.addProperty("seconds", seconds);
        json.addProperty("tokens_per_second", tokensPerSecond());
        json.addProperty("hit_rate", hitRate());
        json.addProperty("bytes_read", bytesRead);
        json.addProperty("stall_seconds", stallSeconds);
        json.addProperty("routing", routing.toString());
        RoutingUsage.addCost(json, routingCost);
        if (precisionCost != null) {
            json.add("mixed_precision", PrecisionUsage.toJson(precisionCost));
        }
    }
}
