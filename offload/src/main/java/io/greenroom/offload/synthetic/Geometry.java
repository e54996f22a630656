package io.greenroom.offload.synthetic;

import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.ModelSpec.Family;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Sizes of a model.
 *
 * @param family its architecture
 * @param layers transformer layers, each with routed experts
 * @param hidden width of the residual stream
 * @param experts routed experts per layer
 * @param expertsPerToken experts each token is routed to
 * @param expertWidth inner width of an expert
 * @param sharedWidth inner width of the shared expert (Qwen2-MoE); 0 without
 * @param heads query heads
 * @param kvHeads key and value heads
 * @param headDim width of a head
 * @param vocabulary tokens
 * @param contextLength longest context
 */
public record Geometry(
        Family family,
        int layers,
        int hidden,
        int experts,
        int expertsPerToken,
        int expertWidth,
        int sharedWidth,
        int heads,
        int kvHeads,
        int headDim,
        int vocabulary,
        int contextLength) {

    /** Types that weights can be drawn in. */
    public static final Set<TensorType> TYPES =
            Set.of(
                    TensorType.Q4_0,
                    TensorType.Q8_0,
                    TensorType.F16,
                    TensorType.BF16,
                    TensorType.F32);

    /** allenai/OLMoE-1B-7B-0924. */
    public static final Geometry OLMOE =
            new Geometry(Family.OLMOE, 16, 2048, 64, 8, 1024, 0, 16, 16, 128, 50304, 4096);

    /** Qwen/Qwen3-30B-A3B. */
    public static final Geometry QWEN3_30B_A3B =
            new Geometry(Family.QWEN3_MOE, 48, 2048, 128, 8, 768, 0, 32, 4, 128, 151936, 40960);

    /** A model of some MiB: where one of the family's own size is beside the point. */
    public static Geometry small(Family family) {
        boolean olmoe = family == Family.OLMOE;
        int shared = family == Family.QWEN2_MOE ? 128 : 0;
        return new Geometry(family, 4, 256, 16, 2, 128, shared, 4, olmoe ? 4 : 2, 64, 2048, 1024);
    }

    /** What does not fit together for weights of this type; empty if all does. */
    List<String> problems(TensorType type) {
        List<String> problems = new ArrayList<>();
        range(problems, "layers", layers, 1, 1024);
        range(problems, "hidden", hidden, 2, 1 << 16);
        range(problems, "experts", experts, 1, 4096);
        range(problems, "top-k", expertsPerToken, 1, 1024);
        range(problems, "expert width", expertWidth, 1, 1 << 18);
        range(problems, "heads", heads, 1, 1024);
        range(problems, "kv-heads", kvHeads, 1, 1024);
        range(problems, "head dimension", headDim, 2, 1024);
        range(problems, "vocabulary", vocabulary, SyntheticVocabulary.LEAST, 1 << 20);
        range(problems, "context length", contextLength, 1, 1 << 24);
        if (!TYPES.contains(type)) {
            problems.add("type is " + type + "; expected one of q4_0, q8_0, f16, bf16, f32");
        }
        if (!problems.isEmpty()) {
            return problems;
        }
        if (expertsPerToken > experts) {
            problems.add("top-k is " + expertsPerToken + ", but there are " + experts + " experts");
        }
        if (heads % kvHeads != 0) {
            problems.add(
                    heads + " heads cannot share " + kvHeads + " kv-heads; expected a divisor");
        }
        if (headDim % 2 != 0) {
            problems.add("head dimension is " + headDim + "; expected an even number");
        }
        if (family == Family.OLMOE && (kvHeads != heads || heads * headDim != hidden)) {
            problems.add(
                    "an OLMoE model has as many kv-heads as heads, and heads x head dimension is"
                            + " its hidden width; got "
                            + heads
                            + " heads, "
                            + kvHeads
                            + " kv-heads, "
                            + heads
                            + " x "
                            + headDim
                            + " and "
                            + hidden);
        }
        if ((family == Family.QWEN2_MOE) != (sharedWidth > 0)) {
            problems.add(
                    "shared expert width is "
                            + sharedWidth
                            + "; it must be above 0 in the Qwen2-MoE family and is 0 in others");
        }
        blocks(problems, type, "hidden", hidden);
        blocks(problems, type, "expert width", expertWidth);
        blocks(problems, type, "heads x head dimension", heads * headDim);
        blocks(problems, type, "shared expert width", Math.max(0, sharedWidth));
        return problems;
    }

    private static void range(List<String> problems, String what, int value, int least, int most) {
        if (value < least || value > most) {
            problems.add(what + " is " + value + "; expected " + least + " to " + most);
        }
    }

    private static void blocks(List<String> problems, TensorType type, String what, int width) {
        if (width % type.blockElements() != 0) {
            problems.add(
                    what
                            + " is "
                            + width
                            + "; "
                            + type
                            + " stores blocks of "
                            + type.blockElements()
                            + ", so it must be a multiple");
        }
    }
}
