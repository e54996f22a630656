package io.greenroom.offload.decoder;

import io.greenroom.offload.decoder.AttentionWeights.Projection;
import io.greenroom.offload.decoder.FeedForwardWeights.Block;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The weights that are always resident, by their role.
 *
 * @param embedding {@code [vocabulary, hidden]}
 * @param layers one entry per layer
 * @param outputNorm {@code [1, hidden]}
 * @param output {@code [vocabulary, hidden]}; the embedding itself where the two are tied
 */
record ModelWeights(
        WeightMatrix embedding, List<Layer> layers, Activations outputNorm, WeightMatrix output) {

    /**
     * One transformer layer.
     *
     * @param attention its first half
     * @param feedForward its second half
     */
    record Layer(AttentionWeights attention, FeedForwardWeights feedForward) {}

    /** Resident tensors by canonical name (see {@link io.greenroom.offload.store.Checkpoint}). */
    interface Tensors {

        boolean has(String name);

        /** A matrix in the type it has on disk. */
        WeightMatrix matrix(String name) throws IOException;

        /** A vector as floats, {@code [1, length]}. */
        Activations vector(String name) throws IOException;
    }

    /**
     * Gives every tensor its place. Presence and shapes were checked when the file was opened.
     *
     * @throws IOException if a tensor cannot be read
     */
    static ModelWeights assemble(ModelSpec spec, Tensors tensors) throws IOException {
        List<Layer> layers = new ArrayList<>();
        for (int layer = 0; layer < spec.layers(); layer++) {
            String block = "blk." + layer + ".";
            FeedForwardWeights feedForward =
                    spec.moeLayers()[layer]
                            ? routed(spec, tensors, block)
                            : new FeedForwardWeights.Dense(
                                    tensors.vector(block + "ffn_norm.weight"),
                                    block(tensors, block, ""));
            layers.add(new Layer(attention(tensors, block), feedForward));
        }
        WeightMatrix embedding = tensors.matrix("token_embd.weight");
        return new ModelWeights(
                embedding,
                List.copyOf(layers),
                tensors.vector("output_norm.weight"),
                tensors.has("output.weight") ? tensors.matrix("output.weight") : embedding);
    }

    private static AttentionWeights attention(Tensors tensors, String block) throws IOException {
        return new AttentionWeights(
                tensors.vector(block + "attn_norm.weight"),
                projection(tensors, block + "attn_q"),
                projection(tensors, block + "attn_k"),
                projection(tensors, block + "attn_v"),
                projection(tensors, block + "attn_output"),
                optionalVector(tensors, block + "attn_q_norm.weight"),
                optionalVector(tensors, block + "attn_k_norm.weight"));
    }

    private static FeedForwardWeights routed(ModelSpec spec, Tensors tensors, String block)
            throws IOException {
        FeedForwardWeights.Shared shared =
                spec.sharedExpertHidden() == 0
                        ? null
                        : new FeedForwardWeights.Shared(
                                block(tensors, block, "_shexp"),
                                tensors.matrix(block + "ffn_gate_inp_shexp.weight"));
        return new FeedForwardWeights.Routed(
                tensors.vector(block + "ffn_norm.weight"),
                tensors.matrix(block + "ffn_gate_inp.weight"),
                shared);
    }

    private static Block block(Tensors tensors, String block, String suffix) throws IOException {
        return new Block(
                tensors.matrix(block + "ffn_gate" + suffix + ".weight"),
                tensors.matrix(block + "ffn_up" + suffix + ".weight"),
                tensors.matrix(block + "ffn_down" + suffix + ".weight"));
    }

    private static Projection projection(Tensors tensors, String name) throws IOException {
        return new Projection(
                tensors.matrix(name + ".weight"), optionalVector(tensors, name + ".bias"));
    }

    private static @Nullable Activations optionalVector(Tensors tensors, String name)
            throws IOException {
        return tensors.has(name) ? tensors.vector(name) : null;
    }
}
