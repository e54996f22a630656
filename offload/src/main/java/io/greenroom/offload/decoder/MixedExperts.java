package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoadException;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.gating.ExpertGroups;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.precision.Precision;
import io.greenroom.gating.precision.PrecisionChooser;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import java.util.BitSet;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes what is worth its read: experts that matter little to a token and are not in memory are
 * replaced by a low-bit copy or done without (see {@link PrecisionChooser}). Lossy.
 *
 * <p>Experts and copies have a cache each. Both are visited at once, so that both kinds of reads
 * are under way together; resident copies are computed first, then the experts as they come, then
 * the copies that were read. A copy that cannot be read is given up for good, and its expert takes
 * its place.
 */
final class MixedExperts implements ExpertStage, ExpertStage.Pass {

    private static final Logger LOG = LoggerFactory.getLogger(MixedExperts.class);

    private final Experts full;
    private final Experts copies;
    private final PrecisionChooser chooser;
    private final SkippedWeight skippedWeight;
    private final MixedAccount account;
    private final ExpertGroupRunner runner;
    private final ExpertGroups groups;
    private final Kernels kernels;
    private final Scratch scratch;
    private final BitSet[] broken; // [layers], experts whose copies cannot be read

    private final BitSet residents = new BitSet();
    private final BitSet residentCopies = new BitSet();
    private final BitSet pending = new BitSet(); // groups whose expert was not handed out
    private final BitSet pendingCopies = new BitSet();
    private final BitSet replaced = new BitSet(); // groups whose copy failed, the expert to be read
    private final float[] zeros; // [hidden]
    private int layer;
    private int copiesAtHand;
    private RoutingDecision decision = new RoutingDecision(0, 1, new int[0], new float[0]);
    private @Nullable ExpertVisit visit;
    private @Nullable ExpertVisit copyVisit;

    /**
     * @param full the experts
     * @param copies their low-bit copies
     * @param rows shared with the layers; what is in it matters during one pass only
     */
    MixedExperts(
            Experts full,
            Experts copies,
            PrecisionChooser chooser,
            SkippedWeight skippedWeight,
            MixedAccount account,
            int layers,
            Kernels kernels,
            Scratch scratch,
            RoutedRows rows) {
        this.full = full;
        this.copies = copies;
        this.chooser = chooser;
        this.skippedWeight = skippedWeight;
        this.account = account;
        this.runner = new ExpertGroupRunner(kernels, scratch, rows);
        this.groups = rows.groups();
        this.kernels = kernels;
        this.scratch = scratch;
        this.zeros = new float[scratch.partial().cols()];
        this.broken = new BitSet[layers];
        for (int i = 0; i < layers; i++) {
            broken[i] = new BitSet();
        }
    }

    @Override
    public Pass begin(int layerIndex, RoutingDecision routed) {
        layer = layerIndex;
        decision = routed;
        groups.group(routed);
        full.cache().residentsOf(layer, residents);
        copies.cache().residentsOf(layer, residentCopies);
        chooser.choose(routed, groups, residents, residentCopies);
        pending.clear(); // a step that was interrupted leaves some behind
        pendingCopies.clear();
        replaced.clear();
        copiesAtHand = 0;
        for (int group = 0; group < groups.count(); group++) {
            switch (precisionOf(group)) {
                case FULL -> pending.set(group);
                case COPY -> {
                    pendingCopies.set(group);
                    copiesAtHand += residentCopies.get(groups.expert(group)) ? 1 : 0;
                }
                case SKIPPED -> {}
            }
        }
        try {
            visit = full.cache().visit(layer, experts(pending));
            if (!pendingCopies.isEmpty()) {
                copyVisit = copies.cache().visit(layer, experts(pendingCopies));
            }
            return this;
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    @Override
    public float[] compute(Batch batch, Activations input) throws InterruptedException {
        ExpertGroupRunner.Unread failing = (group, reason) -> runner.failRows(batch, group, reason);
        if (copyVisit != null) {
            computeCopies(copyVisit, copiesAtHand, batch, input);
        }
        runner.run(
                Objects.requireNonNull(visit),
                full.slots(),
                pending,
                Integer.MAX_VALUE,
                input,
                failing);
        if (copyVisit != null) {
            computeCopies(copyVisit, Integer.MAX_VALUE, batch, input);
        }
        if (!replaced.isEmpty()) {
            try (ExpertVisit late = full.cache().visit(layer, experts(replaced))) {
                pending.or(replaced);
                runner.run(late, full.slots(), pending, Integer.MAX_VALUE, input, failing);
            }
        }
        boolean skipped = zeroSkipped();
        account.settle(layer, batch, decision, groups, this::precisionOf, residentCopies);
        return skipped && skippedWeight == SkippedWeight.SPREAD ? spread() : decision.weights();
    }

    private void computeCopies(ExpertVisit from, int most, Batch batch, Activations input)
            throws InterruptedException {
        runner.run(
                from,
                copies.slots(),
                pendingCopies,
                most,
                input,
                (group, reason) -> {
                    if (reason instanceof ExpertLoadException) {
                        giveUp(groups.expert(group), reason);
                        replaced.set(group);
                    } else {
                        runner.failRows(batch, group, reason);
                    }
                });
    }

    /** In which form a group's expert takes part; a copy that cannot be read is none. */
    private Precision precisionOf(int group) {
        Precision chosen = chooser.of(group);
        return chosen == Precision.COPY && broken[layer].get(groups.expert(group))
                ? Precision.FULL
                : chosen;
    }

    private void giveUp(int expert, Throwable reason) {
        broken[layer].set(expert);
        LOG.warn(
                "The low-bit copy of expert {} is not used any more, the expert takes its place: {}",
                new ExpertId(layer, expert),
                String.valueOf(reason.getMessage()));
    }

    /** What takes no part adds nothing to the sum: a row of zeros. */
    private boolean zeroSkipped() {
        boolean any = false;
        for (int group = 0; group < groups.count(); group++) {
            if (precisionOf(group) == Precision.SKIPPED) {
                any = true;
                for (int i = 0; i < groups.size(group); i++) {
                    kernels.write(zeros, 1, scratch.partial().slice(groups.output(group, i), 1));
                }
            }
        }
        return any;
    }

    /** The router's weights, those of a row's skipped experts divided among its others. */
    private float[] spread() {
        int k = decision.expertsPerToken();
        float[] factors = decision.weights().clone();
        for (int from = 0; from < factors.length; from += k) {
            double all = 0;
            double kept = 0;
            for (int i = from; i < from + k; i++) {
                all += factors[i];
                boolean skipped =
                        precisionOf(groups.groupOf(decision.experts()[i])) == Precision.SKIPPED;
                kept += skipped ? 0 : factors[i];
            }
            for (int i = from; kept > 0 && i < from + k; i++) {
                factors[i] = (float) (factors[i] * (all / kept));
            }
        }
        return factors;
    }

    private int[] experts(BitSet of) {
        return of.stream().map(groups::expert).toArray();
    }

    @Override
    public void close() {
        ExpertVisit open = visit;
        ExpertVisit openCopies = copyVisit;
        visit = null;
        copyVisit = null;
        try {
            if (openCopies != null) {
                openCopies.close();
            }
        } finally {
            if (open != null) {
                open.close();
            }
        }
    }
}
