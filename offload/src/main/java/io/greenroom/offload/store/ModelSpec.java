package io.greenroom.offload.store;

/**
 * The hyper-parameters a decoder needs, read and checked from a checkpoint's metadata.
 *
 * @param family architecture
 * @param layers number of transformer layers
 * @param hidden width of the residual stream
 * @param vocabulary rows of the embedding
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim width of one head
 * @param contextLength longest context the model was trained for
 * @param rmsEpsilon epsilon of the RMS norms
 * @param ropeTheta base of the rotary embedding
 * @param ropeLayout how a head's elements pair up for rotation
 * @param qkvClip limit that queries, keys and values are clamped to (OLMoE); infinity for none
 * @param experts routed experts per layer
 * @param expertsPerToken experts each token is routed to
 * @param expertHidden inner width of a routed expert
 * @param normalizeTopK whether the chosen experts' probabilities are scaled to sum to 1
 * @param sharedExpertHidden inner width of the shared expert; 0 if there is none
 * @param moeLayers for each layer whether it has routed experts; the others have a dense
 *     feed-forward block
 * @param denseHidden inner width of dense feed-forward blocks; 0 if there are none
 */
public record ModelSpec(
        Family family,
        int layers,
        int hidden,
        int vocabulary,
        int heads,
        int kvHeads,
        int headDim,
        int contextLength,
        float rmsEpsilon,
        double ropeTheta,
        RopeLayout ropeLayout,
        float qkvClip,
        int experts,
        int expertsPerToken,
        int expertHidden,
        boolean normalizeTopK,
        int sharedExpertHidden,
        boolean[] moeLayers,
        int denseHidden) {

    /** Supported architectures. */
    public enum Family {
        OLMOE,
        QWEN3_MOE,
        QWEN2_MOE,
        MIXTRAL
    }

    /** Which two elements of a head are rotated together. */
    public enum RopeLayout {
        /** Element i with i + headDim / 2: Hugging Face checkpoints and most GGUF files. */
        HALVES,
        /** Element 2i with 2i + 1: GGUF files of the "llama" architecture (Mixtral). */
        ADJACENT
    }
}
