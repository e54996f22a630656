package io.greenroom.offload.store;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Fits the tensors found in a checkpoint to the model its metadata describes. Every tensor the
 * model needs must be there in the right shape, and nothing may be left over: a tensor that is not
 * understood would mean another computation than the author's.
 *
 * <p>Routed experts come stacked ({@code ffn_gate_exps}, {@code [experts, inner, hidden]}), stacked
 * with gate above up ({@code ffn_gate_up_exps}, {@code [experts, 2 inner, hidden]}), or one tensor
 * per expert ({@code ffn_gate.E}).
 */
final class TensorAssembly {

    private final ModelSpec spec;
    private final Map<String, StoredTensor> stored;
    private final Problems problems;
    private final Map<String, TensorSpan> dense = new HashMap<>();
    private final Set<String> used = new HashSet<>();

    private TensorAssembly(ModelSpec spec, Map<String, StoredTensor> stored, Problems problems) {
        this.spec = spec;
        this.stored = stored;
        this.problems = problems;
    }

    /**
     * @param location what was opened, for messages
     * @param stored by canonical name
     * @param tied whether the output projection is the embedding; null if its absence says so
     * @param qkvBias whether queries, keys and values must have biases; without it they may
     */
    static Checkpoint assemble(
            Path location,
            ModelSpec spec,
            Map<String, StoredTensor> stored,
            TokenizerFiles tokenizer,
            @Nullable Boolean tied,
            boolean qkvBias)
            throws CheckpointException {
        Problems problems = new Problems(location);
        TensorAssembly assembly = new TensorAssembly(spec, stored, problems);
        assembly.wholeModel(tied);
        ExpertSpans[][] experts = new ExpertSpans[spec.layers()][];
        for (int layer = 0; layer < spec.layers() && !problems.enough(); layer++) {
            String block = "blk." + layer + ".";
            assembly.attention(block, qkvBias);
            experts[layer] = assembly.feedForward(block, spec.moeLayers()[layer]);
        }
        assembly.refuseLeftovers();
        problems.throwIfAny();
        return new LoadedCheckpoint(location, spec, Map.copyOf(assembly.dense), experts, tokenizer);
    }

    private void wholeModel(@Nullable Boolean tied) {
        matrix("token_embd.weight", spec.vocabulary(), spec.hidden());
        vector("output_norm.weight", spec.hidden());
        String output = "output.weight";
        if (tied != null ? tied : !stored.containsKey(output)) {
            used.add(output); // some files repeat the embedding here
        } else {
            matrix(output, spec.vocabulary(), spec.hidden());
        }
    }

    private void attention(String block, boolean qkvBias) {
        int queries = spec.heads() * spec.headDim();
        int keys = spec.kvHeads() * spec.headDim();
        vector(block + "attn_norm.weight", spec.hidden());
        matrix(block + "attn_q.weight", queries, spec.hidden());
        matrix(block + "attn_k.weight", keys, spec.hidden());
        matrix(block + "attn_v.weight", keys, spec.hidden());
        matrix(block + "attn_output.weight", spec.hidden(), queries);
        boolean anyBias =
                stored.containsKey(block + "attn_q.bias")
                        || stored.containsKey(block + "attn_k.bias")
                        || stored.containsKey(block + "attn_v.bias");
        if (qkvBias || anyBias) {
            vector(block + "attn_q.bias", queries);
            vector(block + "attn_k.bias", keys);
            vector(block + "attn_v.bias", keys);
        }
        switch (spec.family()) {
            case QWEN3_MOE -> { // per head
                vector(block + "attn_q_norm.weight", spec.headDim());
                vector(block + "attn_k_norm.weight", spec.headDim());
            }
            case OLMOE -> { // over the whole width
                vector(block + "attn_q_norm.weight", queries);
                vector(block + "attn_k_norm.weight", keys);
            }
            case QWEN2_MOE, MIXTRAL -> {}
        }
    }

    private ExpertSpans[] feedForward(String block, boolean moe) {
        vector(block + "ffn_norm.weight", spec.hidden());
        if (!moe) {
            gated(block + "ffn_", ".weight", spec.denseHidden());
            return new ExpertSpans[0];
        }
        matrix(block + "ffn_gate_inp.weight", spec.experts(), spec.hidden());
        if (spec.sharedExpertHidden() > 0) {
            vector(block + "ffn_gate_inp_shexp.weight", spec.hidden());
            gated(block + "ffn_", "_shexp.weight", spec.sharedExpertHidden());
        }
        return experts(block);
    }

    private void gated(String before, String after, int inner) {
        matrix(before + "gate" + after, inner, spec.hidden());
        matrix(before + "up" + after, inner, spec.hidden());
        matrix(before + "down" + after, spec.hidden(), inner);
    }

    private ExpertSpans[] experts(String block) {
        int inner = spec.expertHidden();
        int hidden = spec.hidden();
        TensorSpan[] gates;
        TensorSpan[] ups;
        String fused = block + "ffn_gate_up_exps.weight";
        if (stored.containsKey(fused)) {
            StoredTensor both = find(fused, spec.experts(), 2L * inner, hidden);
            gates = new TensorSpan[both == null ? 0 : spec.experts()];
            ups = new TensorSpan[gates.length];
            if (both != null) {
                for (int e = 0; e < spec.experts(); e++) {
                    String name = block + "ffn_gate_up_exps.weight[" + e + "]";
                    gates[e] = both.slice(name + " gate", 2L * e * inner, inner, hidden);
                    ups[e] = both.slice(name + " up", (2L * e + 1) * inner, inner, hidden);
                }
            }
        } else {
            gates = perExpert(block, "gate", inner, hidden);
            ups = perExpert(block, "up", inner, hidden);
        }
        TensorSpan[] downs = perExpert(block, "down", hidden, inner);
        if (problems.any()) {
            return new ExpertSpans[0];
        }
        ExpertSpans[] experts = new ExpertSpans[spec.experts()];
        for (int e = 0; e < experts.length; e++) {
            experts[e] = new ExpertSpans(gates[e], ups[e], downs[e]);
        }
        return experts;
    }

    private TensorSpan[] perExpert(String block, String matrix, int rows, int cols) {
        String single = block + "ffn_" + matrix + ".";
        String stacked = block + "ffn_" + matrix + "_exps.weight";
        if (stored.containsKey(single + "0.weight") && !stored.containsKey(stacked)) {
            TensorSpan[] spans = new TensorSpan[spec.experts()];
            for (int e = 0; e < spans.length && !problems.enough(); e++) {
                String name = single + e + ".weight";
                StoredTensor tensor = find(name, rows, cols);
                if (tensor != null) {
                    spans[e] = tensor.slice(name, 0, rows, cols);
                }
            }
            return spans;
        }
        StoredTensor tensor = find(stacked, spec.experts(), rows, cols);
        TensorSpan[] spans = new TensorSpan[tensor == null ? 0 : spec.experts()];
        if (tensor != null) {
            for (int e = 0; e < spans.length; e++) {
                spans[e] = tensor.slice(stacked + "[" + e + "]", (long) e * rows, rows, cols);
            }
        }
        return spans;
    }

    private void matrix(String name, int rows, int cols) {
        StoredTensor tensor = find(name, rows, cols);
        if (tensor != null) {
            dense.put(name, tensor.slice(name, 0, rows, cols));
        }
    }

    /** Vectors are read as floats, so their type must not need a kernel. */
    private void vector(String name, int width) {
        StoredTensor tensor = find(name, width);
        if (tensor == null) {
            return;
        }
        if (tensor.type().blockElements() > 1) {
            problems.add(
                    "tensor "
                            + tensor.name()
                            + " has type "
                            + tensor.type()
                            + "; expected F32, F16 or BF16 for a vector");
        }
        dense.put(name, tensor.slice(name, 0, 1, width));
    }

    private @Nullable StoredTensor find(String name, long... shape) {
        used.add(name);
        StoredTensor tensor = stored.get(name);
        if (tensor == null) {
            problems.add("tensor " + name + " is missing; expected " + StoredTensor.text(shape));
        } else if (!tensor.hasShape(shape)) {
            problems.add(
                    "tensor "
                            + tensor.name()
                            + " has shape "
                            + StoredTensor.text(tensor.shape())
                            + "; expected "
                            + StoredTensor.text(shape));
        } else {
            return tensor;
        }
        return null;
    }

    private void refuseLeftovers() {
        Set<String> left = new TreeSet<>(stored.keySet());
        left.removeAll(used);
        if (left.isEmpty()) {
            return;
        }
        List<String> first = new ArrayList<>(left).subList(0, Math.min(5, left.size()));
        problems.add(
                left.size()
                        + (left.size() == 1 ? " tensor" : " tensors")
                        + " a "
                        + spec.family()
                        + " model does not have, so it would not be computed exactly: "
                        + String.join(", ", first)
                        + (left.size() > first.size() ? ", ..." : ""));
    }
}
