package io.greenroom.plugin.cli;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.plan.LowCopies;
import io.greenroom.cache.plan.MissCurve;
import io.greenroom.cache.plan.MissCurves;
import io.greenroom.cache.plan.PrecisionMix;
import io.greenroom.cache.plan.SplitProblem;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.TimeModel;
import io.greenroom.gating.precision.CopyDemand;
import io.greenroom.gating.precision.MixedReplay;
import io.greenroom.gating.precision.MixedResult;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.offload.decoder.MixedPrecision;
import io.greenroom.offload.lowbit.LowBitFile;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.InsufficientBudgetException;
import io.greenroom.offload.store.SlotPlan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Replays traces with mixes of one model's precisions. */
final class MixStudy {

    /** Shares of the budget tried besides the operator's own. */
    private static final double[] SHARES = {0.05, 0.15, 0.3, 0.5};

    private final PlannedTraffic traffic;
    private final PolicyName policy;
    private final MixedPrecision settings;
    private final ExpertLayout full;
    private final ExpertLayout low;
    private final LowBitFile file;
    private final int leastSlots;
    private final TimeModel time;
    private final List<MissCurve> curves;

    /**
     * @param traffic recorded
     * @param time of the machine, or null if it is not known
     */
    MixStudy(
            Checkpoint checkpoint,
            PlannedTraffic traffic,
            PolicyName policy,
            MixedPrecision settings,
            @Nullable TimeModel time)
            throws IOException {
        this.traffic = traffic;
        this.policy = policy;
        this.settings = settings;
        this.file = settings.open(checkpoint);
        this.full = ExpertLayout.of(checkpoint);
        this.low = ExpertLayout.of(file);
        this.leastSlots = checkpoint.spec().expertsPerToken();
        this.time = time == null ? TimeModel.INSTANT : time;
        this.curves = MissCurves.lru(traffic.sequences(), false);
    }

    /** All mixes of all budgets that hold what one token needs. */
    MixTable table(PlanTable plans) {
        List<MixTable.Row> rows = new ArrayList<>();
        for (PlanTable.Row plan : plans.rows()) {
            if (plan.forecast() != null) {
                rows.addAll(best(mixes(plan.name(), plan.budgetBytes())));
            }
        }
        long[] bytes = traffic.sequences().get(0).expertBytes();
        long mean = (long) Arrays.stream(bytes).filter(b -> b > 0).average().orElse(0);
        return new MixTable(file, settings.rule(), mean, rows);
    }

    private List<MixTable.Row> mixes(String name, long budgetBytes) {
        List<MixTable.Row> rows = new ArrayList<>();
        int slots = (int) Math.min(budgetBytes / full.slotBytes(), full.experts());
        rows.add(row(name, "exact", 0, slots, 0, null, Double.NaN));
        for (double share : shares()) {
            SlotPlan fits = fits(budgetBytes, share);
            if (fits != null) {
                rows.add(
                        row(
                                name,
                                "share",
                                share,
                                fits.slots(),
                                fits.copySlots(),
                                null,
                                Double.NaN));
            }
        }
        planned(name, budgetBytes, slots, rows);
        return rows;
    }

    /**
     * The planner's mix, unless it is to have no copies; in one pool where dividing the experts'
     * slots brings this policy nothing.
     */
    private void planned(String name, long budgetBytes, int slots, List<MixTable.Row> rows) {
        LowCopies copies =
                CopyDemand.of(
                        traffic.traces(), setup(settings.rule(), null, slots, 0), low.slotBytes());
        PrecisionMix mix =
                PrecisionMix.best(
                        new SplitProblem(
                                curves, traffic.sequences().get(0).expertBytes(), slots, 0),
                        full.slotBytes(),
                        leastSlots,
                        copies);
        double share = mix.lowShare(full.slotBytes(), low.slotBytes());
        SlotPlan fits = share > 0 ? fits(budgetBytes, share) : null;
        if (fits != null) {
            int experts = fits.slots();
            int copySlots = fits.copySlots();
            double promised = mix.bytesPerToken();
            MixTable.Row divided =
                    row(name, "planner", share, experts, copySlots, weights(mix.slots()), promised);
            MixTable.Row pooled = row(name, "planner", share, experts, copySlots, null, promised);
            boolean divide = divided.result().bytesPerToken() < pooled.result().bytesPerToken();
            rows.add(divide ? divided : pooled);
        }
    }

    /** Every layer with experts has a weight, as the option for a split wants it. */
    private int[] weights(int[] slots) {
        int[] weights = slots.clone();
        for (int layer = 0; layer < weights.length; layer++) {
            boolean routed = traffic.sequences().get(0).expertBytes()[layer] > 0;
            weights[layer] = Math.max(routed ? 1 : 0, weights[layer]);
        }
        return weights;
    }

    private MixTable.Row row(
            String budget,
            String way,
            double share,
            int slots,
            int copySlots,
            int @Nullable [] split,
            double promised) {
        PrecisionRule rule = copySlots == 0 ? PrecisionRule.EXACT : settings.rule();
        MixedResult result =
                MixedReplay.run(traffic.traces(), setup(rule, split, slots, copySlots));
        return new MixTable.Row(
                budget, way, share, slots, copySlots, split, promised, result, false);
    }

    private MixedReplay.Setup setup(
            PrecisionRule rule, int @Nullable [] split, int slots, int copySlots) {
        return new MixedReplay.Setup(
                policy,
                split == null ? null : new LayerSplit(split),
                slots,
                copySlots,
                file.copyBytes(),
                rule,
                time);
    }

    private @Nullable SlotPlan fits(long budgetBytes, double share) {
        try {
            return SlotPlan.of(
                    new ExpertBudget.Fixed(new ByteSize(budgetBytes)),
                    full,
                    new SlotPlan.Copies(low, share),
                    leastSlots,
                    0);
        } catch (InsufficientBudgetException e) { // too few slots are left for experts
            return null;
        }
    }

    private double[] shares() {
        double[] shares = Arrays.copyOf(SHARES, SHARES.length + 1);
        shares[SHARES.length] = settings.budgetShare();
        return Arrays.stream(shares).sorted().distinct().toArray();
    }

    private static List<MixTable.Row> best(List<MixTable.Row> rows) {
        double least = Double.POSITIVE_INFINITY;
        for (MixTable.Row row : rows) {
            least = Math.min(least, row.result().bytesPerToken());
        }
        double fewest = least;
        return rows.stream()
                .map(row -> row.result().bytesPerToken() <= fewest ? row.asBest() : row)
                .toList();
    }
}
