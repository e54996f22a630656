package io.greenroom.offload.decoder;

import io.greenroom.gating.Gate;
import io.greenroom.gating.InvalidLogitException;
import io.greenroom.gating.Preference;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.decoder.FeedForwardWeights.Block;
import io.greenroom.offload.decoder.FeedForwardWeights.Routed;
import io.greenroom.offload.decoder.FeedForwardWeights.Shared;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A feed-forward block of routed experts (Shazeer et al., "Outrageously Large Neural Networks",
 * 2017), whose experts come from a cache.
 *
 * <pre>
 * DEFINITION   h = norm(x)
 *              e, w = gate(router h)                          k experts and weights for each row
 *              x += sum over rank r of w[r] * expert[e[r]](h)  + sigmoid(g h) * shared(h)
 * </pre>
 *
 * <p>Every expert is visited once for all rows that chose it. Resident experts are computed first,
 * and the shared one before any wait, so that arithmetic covers reading; each result has a row of
 * its own and the sum is formed at the end, in router order. So neither the order of arrival nor
 * what else is in the batch shows in the result.
 */
final class MoeFeedForward implements FeedForward {

    private final int layer;
    private final float epsilon;
    private final Routed weights;
    private final Gate gate;
    private final ExpertStage experts;
    private final @Nullable TransferScheduler transfers;
    private final YieldingRows yielding;
    private final RoutingObserver observer;
    private final Kernels kernels;
    private final Scratch scratch;
    private final RoutedRows rows;

    /**
     * @param experts where the chosen experts are computed
     * @param transfers reads ahead for the layer after this one, or null
     * @param yielding says which rows may go to residents instead of the router's choice; shared
     *     with the other layers
     * @param observer is told each decision
     * @param rows shared with the other layers; what is in it matters during one call only
     */
    MoeFeedForward(
            int layer,
            float epsilon,
            Routed weights,
            Gate gate,
            ExpertStage experts,
            @Nullable TransferScheduler transfers,
            YieldingRows yielding,
            RoutingObserver observer,
            Kernels kernels,
            Scratch scratch,
            RoutedRows rows) {
        this.layer = layer;
        this.epsilon = epsilon;
        this.weights = weights;
        this.gate = gate;
        this.experts = experts;
        this.transfers = transfers;
        this.yielding = yielding;
        this.observer = observer;
        this.kernels = kernels;
        this.scratch = scratch;
        this.rows = rows;
    }

    @Override
    public void forward(Batch batch, Activations x) throws InterruptedException {
        int n = batch.rows();
        Activations input = scratch.normed();
        kernels.rmsNorm(x, n, weights.norm(), epsilon, input);
        kernels.matmul(weights.router(), input, n, null, scratch.routerLogits());
        kernels.read(scratch.routerLogits(), n, rows.logits());
        RoutingDecision decision = route(batch);
        if (transfers != null) {
            transfers.routed(layer, batch, rows.logits(), decision);
        }
        observer.routed(layer, batch, input, rows.logits(), decision);

        float[] factors;
        try (ExpertStage.Pass pass = experts.begin(layer, decision)) {
            // Demand is on its way; from here on the disk may also serve guesses, and the cores
            // have work before they wait.
            if (transfers != null) {
                transfers.afterDemand(layer, x, n);
            }
            shared(input, n);
            factors = pass.compute(batch, input);
            if (transfers != null) {
                transfers.demandDone(layer);
            }
        }
        observer.computed(layer, batch, x, factors);
        kernels.combine(x, scratch.partial(), factors, n, gate.expertsPerToken());
        if (weights.shared() != null) {
            kernels.addGated(x, scratch.projected(), scratch.sharedGate(), n);
        }
    }

    /** Routes all rows. One whose logits are not numbers fails alone and goes anywhere. */
    private RoutingDecision route(Batch batch) {
        if (!batch.isYielding()) {
            return route(batch, null);
        }
        yielding.look(layer, batch);
        RoutingDecision decision = route(batch, yielding);
        yielding.settle(batch);
        return decision;
    }

    private RoutingDecision route(Batch batch, @Nullable Preference preference) {
        while (true) {
            try {
                return gate.route(rows.logits(), batch.rows(), preference);
            } catch (InvalidLogitException e) {
                batch.fail(e.token(), e);
                int from = e.token() * gate.experts();
                Arrays.fill(rows.logits(), from, from + gate.experts(), 0);
            }
        }
    }

    private void shared(Activations input, int n) {
        Shared shared = weights.shared();
        if (shared == null) {
            return;
        }
        Block block = shared.block();
        kernels.feedForward(
                block.gate(),
                block.up(),
                block.down(),
                input,
                rows.all(),
                rows.all(),
                n,
                scratch.projected());
        kernels.matmul(shared.gate(), input, n, null, scratch.sharedGate());
    }
}
