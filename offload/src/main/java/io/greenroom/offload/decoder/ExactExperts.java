package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertVisit;
import io.greenroom.gating.ExpertGroups;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import java.util.BitSet;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Computes exactly what the router decided. Every expert is visited once for all rows that chose
 * it, resident ones first, so that arithmetic covers reading.
 */
final class ExactExperts implements ExpertStage, ExpertStage.Pass {

    private final Experts experts;
    private final ExpertGroupRunner runner;
    private final ExpertGroups groups;
    private final BitSet pending = new BitSet(); // groups whose expert was not handed out
    private @Nullable ExpertVisit visit;
    private float[] weights = {};

    /**
     * @param rows shared with the layers; what is in it matters during one pass only
     */
    ExactExperts(Experts experts, Kernels kernels, Scratch scratch, RoutedRows rows) {
        this.experts = experts;
        this.runner = new ExpertGroupRunner(kernels, scratch, rows);
        this.groups = rows.groups();
    }

    @Override
    public Pass begin(int layer, RoutingDecision decision) {
        groups.group(decision);
        weights = decision.weights();
        pending.clear(); // a step that was interrupted leaves some behind
        pending.set(0, groups.count());
        visit = experts.visit(layer, groups.experts());
        return this;
    }

    @Override
    public float[] compute(Batch batch, Activations input) throws InterruptedException {
        runner.run(
                Objects.requireNonNull(visit),
                experts.slots(),
                pending,
                Integer.MAX_VALUE,
                input,
                (group, reason) -> runner.failRows(batch, group, reason));
        return weights;
    }

    @Override
    public void close() {
        ExpertVisit open = visit;
        visit = null;
        if (open != null) {
            open.close();
        }
    }
}
