package io.greenroom.offload.decoder;

import io.greenroom.offload.decoder.AttentionWeights.Projection;
import io.greenroom.offload.decoder.FeedForwardWeights.Block;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.ModelSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

        /** A matrix in the type it has on disk. */
        Optional<WeightMatrix> matrix(String name);

        /** A vector as floats, {@code [1, length]}. */
        Optional<Activations> vector(String name);
    }

    /**
     * Gives every tensor its place.
     *
     * @throws CheckpointException if one is missing or has another shape than the model's
     *     dimensions demand
     */
    static ModelWeights assemble(ModelSpec spec, Path location, Tensors tensors)
            throws CheckpointException {
        return new Assembly(spec, location, tensors).assemble();
    }

    private record Assembly(ModelSpec spec, Path location, Tensors tensors) {

        ModelWeights assemble() throws CheckpointException {
            WeightMatrix embedding = matrix("token_embd.weight", spec.vocabulary(), spec.hidden());
            List<Layer> layers = new ArrayList<>();
            for (int layer = 0; layer < spec.layers(); layer++) {
                String prefix = "blk." + layer + ".";
                layers.add(new Layer(attention(prefix), feedForward(prefix, layer)));
            }
            Activations outputNorm = vector("output_norm.weight", spec.hidden());
            WeightMatrix output =
                    tensors.matrix("output.weight").isPresent()
                            ? matrix("output.weight", spec.vocabulary(), spec.hidden())
                            : embedding;
            return new ModelWeights(embedding, List.copyOf(layers), outputNorm, output);
        }

        private AttentionWeights attention(String prefix) throws CheckpointException {
            int queryWidth = spec.heads() * spec.headDim();
            int keyWidth = spec.kvHeads() * spec.headDim();
            return new AttentionWeights(
                    vector(prefix + "attn_norm.weight", spec.hidden()),
                    projection(prefix + "attn_q", queryWidth, spec.hidden()),
                    projection(prefix + "attn_k", keyWidth, spec.hidden()),
                    projection(prefix + "attn_v", keyWidth, spec.hidden()),
                    projection(prefix + "attn_output", spec.hidden(), queryWidth),
                    headNorm(prefix + "attn_q_norm.weight", queryWidth),
                    headNorm(prefix + "attn_k_norm.weight", keyWidth));
        }

        private FeedForwardWeights feedForward(String prefix, int layer)
                throws CheckpointException {
            Activations norm = vector(prefix + "ffn_norm.weight", spec.hidden());
            if (!spec.moeLayers()[layer]) {
                return new FeedForwardWeights.Dense(norm, block(prefix, "", spec.denseHidden()));
            }
            WeightMatrix router =
                    matrix(prefix + "ffn_gate_inp.weight", spec.experts(), spec.hidden());
            FeedForwardWeights.Shared shared = null;
            if (spec.sharedExpertHidden() > 0) {
                shared =
                        new FeedForwardWeights.Shared(
                                block(prefix, "_shexp", spec.sharedExpertHidden()),
                                matrix(prefix + "ffn_gate_inp_shexp.weight", 1, spec.hidden()));
            }
            return new FeedForwardWeights.Routed(norm, router, shared);
        }

        private Block block(String prefix, String suffix, int inner) throws CheckpointException {
            return new Block(
                    matrix(prefix + "ffn_gate" + suffix + ".weight", inner, spec.hidden()),
                    matrix(prefix + "ffn_up" + suffix + ".weight", inner, spec.hidden()),
                    matrix(prefix + "ffn_down" + suffix + ".weight", spec.hidden(), inner));
        }

        private Projection projection(String name, int rows, int cols) throws CheckpointException {
            String bias = name + ".bias";
            return new Projection(
                    matrix(name + ".weight", rows, cols),
                    tensors.vector(bias).isPresent() ? vector(bias, rows) : null);
        }

        private @Nullable Activations headNorm(String name, int fullWidth)
                throws CheckpointException {
            Optional<Activations> norm = tensors.vector(name);
            if (norm.isEmpty()) {
                return null;
            }
            int width = norm.get().cols();
            if (width != spec.headDim() && width != fullWidth) {
                throw wrongShape(
                        name, "[" + width + "]", "[" + spec.headDim() + "] or [" + fullWidth + "]");
            }
            return norm.get();
        }

        private WeightMatrix matrix(String name, int rows, int cols) throws CheckpointException {
            WeightMatrix found = tensors.matrix(name).orElseThrow(() -> missing(name));
            if (found.rows() != rows || found.cols() != cols) {
                throw wrongShape(
                        name,
                        "[" + found.rows() + ", " + found.cols() + "]",
                        "[" + rows + ", " + cols + "]");
            }
            return found;
        }

        private Activations vector(String name, int length) throws CheckpointException {
            Activations found = tensors.vector(name).orElseThrow(() -> missing(name));
            if (found.cols() != length) {
                throw wrongShape(name, "[" + found.cols() + "]", "[" + length + "]");
            }
            return found;
        }

        private CheckpointException missing(String name) {
            return new CheckpointException(
                    location,
                    "tensor " + name + " is missing; a " + spec.family() + " model needs it");
        }

        private CheckpointException wrongShape(String name, String found, String expected) {
            return new CheckpointException(
                    location,
                    "tensor "
                            + name
                            + " has shape "
                            + found
                            + ", the model's dimensions demand "
                            + expected);
        }
    }
}
