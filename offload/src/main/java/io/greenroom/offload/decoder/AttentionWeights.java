package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.WeightMatrix;
import org.jspecify.annotations.Nullable;

/**
 * Weights of one layer's self-attention.
 *
 * @param norm {@code [1, hidden]}, before the projections
 * @param query projection to {@code [heads * headDim, hidden]}
 * @param key projection to {@code [kvHeads * headDim, hidden]}
 * @param value projection to {@code [kvHeads * headDim, hidden]}
 * @param output projection back, {@code [hidden, heads * headDim]}
 * @param queryNorm norm of the queries, or null: {@code [1, headDim]} for each head (Qwen3) or
 *     {@code [1, heads * headDim]} for all at once (OLMoE)
 * @param keyNorm norm of the keys, likewise
 */
record AttentionWeights(
        Activations norm,
        Projection query,
        Projection key,
        Projection value,
        Projection output,
        @Nullable Activations queryNorm,
        @Nullable Activations keyNorm) {

    /**
     * @param weight {@code [out, in]}
     * @param bias {@code [1, out]} or null
     */
    record Projection(WeightMatrix weight, @Nullable Activations bias) {}
}
