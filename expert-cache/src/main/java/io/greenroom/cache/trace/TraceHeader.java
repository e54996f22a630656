package io.greenroom.cache.trace;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a trace is of.
 *
 * @param model name of the model
 * @param fingerprint of the checkpoint; equal for equal checkpoints
 * @param experts routed experts in each MoE layer, at most 65536
 * @param expertsPerToken experts a router chooses for a token, {@code k}
 * @param topSet experts recorded for a row and layer, {@code m}, from {@code k} to {@code experts}
 * @param predictedSet experts recorded of a prediction, 0 if none are
 * @param normalized whether the chosen experts' probabilities are scaled to sum to 1 when they
 *     become weights
 * @param slotBytes bytes an expert takes in memory, wherever it is from; at least its own
 * @param expertBytes bytes of one expert of each layer, {@code [layers]}; 0 for a layer without
 *     routed experts
 * @param sections what is recorded besides the experts
 */
public record TraceHeader(
        String model,
        String fingerprint,
        int experts,
        int expertsPerToken,
        int topSet,
        int predictedSet,
        boolean normalized,
        long slotBytes,
        long[] expertBytes,
        Set<TraceSection> sections) {

    static final int MAX_LAYERS = 4096;
    static final int MAX_EXPERTS = 1 << 16;

    /** Longest name, in bytes of UTF-8. */
    static final int MAX_TEXT = 1024;

    /**
     * @throws IllegalArgumentException naming the field, its value and what is accepted
     */
    public TraceHeader {
        text("model name", model);
        text("checkpoint fingerprint", fingerprint);
        within("experts per layer", experts, 1, MAX_EXPERTS);
        within("experts per token", expertsPerToken, 1, experts);
        within("top set", topSet, expertsPerToken, experts);
        within("predicted set", predictedSet, 0, experts);
        within("layers", expertBytes.length, 1, MAX_LAYERS);
        long largest = 0;
        for (int layer = 0; layer < expertBytes.length; layer++) {
            within("bytes of an expert of layer " + layer, expertBytes[layer], 0, 1L << 50);
            largest = Math.max(largest, expertBytes[layer]);
        }
        if (largest == 0) {
            throw new IllegalArgumentException("No layer has experts: all expert bytes are 0");
        }
        within("slot bytes", slotBytes, largest, 1L << 50);
        if (sections.contains(TraceSection.PREDICTIONS) != predictedSet > 0) {
            throw new IllegalArgumentException(
                    "The predicted set is "
                            + predictedSet
                            + " experts, but the sections are "
                            + sections
                            + "; predictions need both or neither");
        }
        expertBytes = expertBytes.clone();
        sections = sections.isEmpty() ? Set.of() : Set.copyOf(EnumSet.copyOf(sections));
    }

    private static void text(String what, String text) {
        if (text.getBytes(StandardCharsets.UTF_8).length > MAX_TEXT
                || text.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    "The "
                            + what
                            + " must be a line of at most "
                            + MAX_TEXT
                            + " bytes without control characters");
        }
    }

    private static void within(String what, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    what + " is " + value + ", expected " + least + " to " + most);
        }
    }

    /** Transformer layers, with and without routed experts. */
    public int layers() {
        return expertBytes.length;
    }

    /** Indices of the layers with routed experts, ascending; a step's layers are in this order. */
    public int[] moeLayers() {
        int[] layers = new int[expertBytes.length];
        int count = 0;
        for (int layer = 0; layer < expertBytes.length; layer++) {
            if (expertBytes[layer] > 0) {
                layers[count++] = layer;
            }
        }
        return Arrays.copyOf(layers, count);
    }

    /** Routed experts of the model, over all layers. */
    public int totalExperts() {
        return moeLayers().length * experts;
    }

    public boolean has(TraceSection section) {
        return sections.contains(section);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TraceHeader that
                && model.equals(that.model)
                && fingerprint.equals(that.fingerprint)
                && experts == that.experts
                && expertsPerToken == that.expertsPerToken
                && topSet == that.topSet
                && predictedSet == that.predictedSet
                && normalized == that.normalized
                && slotBytes == that.slotBytes
                && Arrays.equals(expertBytes, that.expertBytes)
                && sections.equals(that.sections);
    }

    @Override
    public int hashCode() {
        return fingerprint.hashCode();
    }
}
