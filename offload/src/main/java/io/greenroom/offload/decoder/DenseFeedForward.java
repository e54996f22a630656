package io.greenroom.offload.decoder;

import io.greenroom.offload.decoder.FeedForwardWeights.Block;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;

/** A feed-forward block without experts. */
final class DenseFeedForward implements FeedForward {

    private final FeedForwardWeights.Dense weights;
    private final float epsilon;
    private final Kernels kernels;
    private final Scratch scratch;
    private final int[] allRows;

    /**
     * @param allRows 0, 1, 2, ... for every row a batch may have
     */
    DenseFeedForward(
            FeedForwardWeights.Dense weights,
            float epsilon,
            Kernels kernels,
            Scratch scratch,
            int[] allRows) {
        this.weights = weights;
        this.epsilon = epsilon;
        this.kernels = kernels;
        this.scratch = scratch;
        this.allRows = allRows;
    }

    @Override
    public void forward(Batch batch, Activations x) {
        int n = batch.rows();
        Block block = weights.block();
        kernels.rmsNorm(x, n, weights.norm(), epsilon, scratch.normed());
        kernels.feedForward(
                block.gate(),
                block.up(),
                block.down(),
                scratch.normed(),
                allRows,
                allRows,
                n,
                scratch.projected());
        kernels.add(x, scratch.projected(), n);
    }
}
