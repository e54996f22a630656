package io.greenroom.cache.plan;

import io.greenroom.cache.ByteSize;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Says what a budget brings before anything is loaded: how its slots are divided, and what hits,
 * bytes and tokens per second to expect; or that it is too small.
 *
 * @param model what experts weigh and how they are asked for
 * @param time of a token's parts
 * @param pool misses per token of all layers together when they share one pool, as a function of
 *     all slots; null if that is not known
 * @param low low-bit copies that a budget may be mixed with; null for full precision only
 */
public record BudgetPlanner(
        Model model, TokenTime time, @Nullable MissCurve pool, @Nullable LowCopies low) {

    /**
     * A model as a planner sees it.
     *
     * @param slotBytes memory of one resident expert
     * @param missBytes bytes read for a missing expert, by layer
     * @param expertsPerToken experts that a token visits in each layer that has any
     * @param curves each layer's misses per token
     */
    public record Model(
            long slotBytes, long[] missBytes, int expertsPerToken, List<MissCurve> curves) {

        public Model {
            missBytes = missBytes.clone();
            curves = List.copyOf(curves);
            if (slotBytes < 1 || expertsPerToken < 1) {
                throw new IllegalArgumentException(
                        "A slot has at least 1 byte and a token at least 1 expert, got "
                                + slotBytes
                                + " and "
                                + expertsPerToken);
            }
        }

        @Override
        public long[] missBytes() {
            return missBytes.clone();
        }

        int totalSlots() {
            return curves.stream().mapToInt(c -> c.visited() == 0 ? 0 : c.experts()).sum();
        }
    }

    /** What becomes of a budget. */
    public sealed interface Verdict {}

    /**
     * The budget is below the floor.
     *
     * @param leastBytes the smallest budget that works
     * @param reason in a sentence
     */
    public record Refused(long leastBytes, String reason) implements Verdict {}

    /**
     * What a budget brings.
     *
     * @param slots experts that fit
     * @param split slots of each layer, the best there is
     * @param divided what to expect with that split
     * @param pooled what to expect if layers share one pool; null if that is not known
     * @param mix the best mix with low-bit copies, or null; {@code divided} is without
     */
    public record Plan(
            int slots,
            int[] split,
            Forecast divided,
            @Nullable Forecast pooled,
            @Nullable PrecisionMix mix)
            implements Verdict {

        /** What is expected of the better of the two ways. */
        public Forecast best() {
            return pooled == null || divided.stallSeconds() < pooled.stallSeconds()
                    ? divided
                    : pooled;
        }
    }

    /**
     * What to expect of one request being answered.
     *
     * @param hitRate share of visited experts that are resident, from 0 to 1
     * @param missesPerToken experts read for each token
     * @param bytesPerToken bytes read for each token
     * @param stallSeconds of each token
     * @param tokensPerSecond produced
     */
    public record Forecast(
            double hitRate,
            double missesPerToken,
            double bytesPerToken,
            double stallSeconds,
            double tokensPerSecond) {}

    /** The smallest budget that works: what one token needs at once in one layer. */
    public long leastBytes() {
        return Math.multiplyExact(model.slotBytes(), model.expertsPerToken());
    }

    /** Copies take from every layer, so that none has a least. */
    private PrecisionMix mix(LowCopies copies, int slots) {
        return PrecisionMix.best(
                new SplitProblem(model.curves(), model.missBytes(), slots, 0),
                model.slotBytes(),
                model.expertsPerToken(),
                copies);
    }

    /** What is to be divided with so many slots. */
    public SplitProblem problem(int slots) {
        int least = SplitProblem.leastFor(model.curves(), model.expertsPerToken(), slots);
        return new SplitProblem(model.curves(), model.missBytes(), slots, least);
    }

    /**
     * Plans for a budget.
     *
     * @param budgetBytes bytes for routed experts
     */
    public Verdict plan(long budgetBytes) {
        int slots = (int) Math.min(budgetBytes / model.slotBytes(), model.totalSlots());
        if (slots < model.expertsPerToken()) {
            return new Refused(
                    leastBytes(),
                    "A budget of "
                            + new ByteSize(Math.max(0, budgetBytes))
                            + " ("
                            + budgetBytes
                            + " bytes)"
                            + " holds "
                            + slots
                            + " experts, but one token needs "
                            + model.expertsPerToken()
                            + " at once: the smallest that works is "
                            + leastBytes()
                            + " bytes ("
                            + new ByteSize(leastBytes())
                            + ")");
        }
        SplitProblem problem = problem(slots);
        int[] split = new OptimalSplit().split(problem);
        return new Plan(
                slots,
                split,
                divided(problem, split),
                pool == null ? null : pooled(pool, slots),
                low == null ? null : mix(low, slots));
    }

    private Forecast divided(SplitProblem problem, int[] split) {
        double misses = 0;
        double stall = 0;
        for (int layer = 0; layer < split.length; layer++) {
            double missed = model.curves().get(layer).misses(split[layer]);
            misses += missed;
            stall += stall(layer, missed);
        }
        return new Forecast(
                problem.hitRate(split),
                misses,
                problem.bytesPerToken(split),
                stall,
                time.tokensPerSecond(stall));
    }

    /** Misses of a pool fall on layers as their visits do. */
    private Forecast pooled(MissCurve pool, int slots) {
        double visited = pool.visited();
        double share = visited == 0 ? 0 : pool.misses(slots) / visited;
        double bytes = 0;
        double stall = 0;
        for (int layer = 0; layer < model.curves().size(); layer++) {
            double missed = share * model.curves().get(layer).visited();
            bytes += missed * model.missBytes[layer];
            stall += stall(layer, missed);
        }
        return new Forecast(
                1 - share, pool.misses(slots), bytes, stall, time.tokensPerSecond(stall));
    }

    private double stall(int layer, double missed) {
        return time.stallSeconds(missed, model.missBytes[layer]);
    }
}
