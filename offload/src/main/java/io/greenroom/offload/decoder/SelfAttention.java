package io.greenroom.offload.decoder;

import io.greenroom.offload.decoder.AttentionWeights.Projection;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.store.ModelSpec;
import org.jspecify.annotations.Nullable;

/** First half of a layer: what this token takes from the tokens before it. */
final class SelfAttention {

    private final int layer;
    private final ModelSpec spec;
    private final AttentionWeights weights;
    private final Kernels kernels;
    private final KvPages cache;
    private final Scratch scratch;
    private final boolean adjacent;

    SelfAttention(
            int layer,
            ModelSpec spec,
            AttentionWeights weights,
            Kernels kernels,
            KvPages cache,
            Scratch scratch) {
        this.layer = layer;
        this.spec = spec;
        this.weights = weights;
        this.kernels = kernels;
        this.cache = cache;
        this.scratch = scratch;
        this.adjacent = spec.ropeLayout() == ModelSpec.RopeLayout.ADJACENT;
    }

    /** Adds attention's output to {@code x}, {@code [rows, hidden]}. */
    void forward(Batch batch, Activations x) {
        int n = batch.rows();
        Activations input = scratch.normed();
        Activations q = scratch.queries();
        Activations k = scratch.keys();
        Activations v = scratch.values();

        kernels.rmsNorm(x, n, weights.norm(), spec.rmsEpsilon(), input);
        project(weights.query(), input, n, q);
        project(weights.key(), input, n, k);
        project(weights.value(), input, n, v);
        normHeads(q, n, spec.heads(), weights.queryNorm());
        normHeads(k, n, spec.kvHeads(), weights.keyNorm());
        if (spec.qkvClip() < Float.POSITIVE_INFINITY) {
            // After the norms, as OLMoE does.
            kernels.clamp(q, n, spec.qkvClip());
            kernels.clamp(k, n, spec.qkvClip());
            kernels.clamp(v, n, spec.qkvClip());
        }
        rotate(q, batch, spec.heads());
        rotate(k, batch, spec.kvHeads());
        kernels.storeKv(cache, layer, k, v, n, batch.cells());
        kernels.attention(
                cache,
                layer,
                q,
                n,
                spec.heads(),
                batch.positions(),
                batch.sequences(),
                batch.pageTables(),
                scratch.attended());
        project(weights.output(), scratch.attended(), n, scratch.projected());
        kernels.add(x, scratch.projected(), n);
    }

    private void project(Projection projection, Activations in, int n, Activations out) {
        kernels.matmul(projection.weight(), in, n, projection.bias(), out);
    }

    /** Norms each head by itself, or all heads of a token together: the weight's width tells. */
    private void normHeads(Activations x, int n, int heads, @Nullable Activations norm) {
        if (norm == null) {
            return;
        }
        if (norm.cols() == x.cols()) {
            kernels.rmsNorm(x, n, norm, spec.rmsEpsilon(), x);
        } else {
            Activations perHead = x.reshape(x.rows() * heads, spec.headDim());
            kernels.rmsNorm(perHead, n * heads, norm, spec.rmsEpsilon(), perHead);
        }
    }

    private void rotate(Activations x, Batch batch, int heads) {
        kernels.rope(
                x,
                batch.rows(),
                heads,
                spec.headDim(),
                batch.positions(),
                scratch.rope(),
                adjacent);
    }
}
