package io.greenroom.offload.decoder;

import io.greenroom.cache.policy.LayerSplit;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Whether layers share the slots, or how they divide them. Prints as {@link #parse} reads it. */
public sealed interface SlotSplit {

    /** One pool: whoever is worth least leaves, whatever its layer. */
    SlotSplit SHARED = new Shared();

    /** The same number for every layer with experts. */
    SlotSplit EVEN = new Even();

    /** See {@link #SHARED}. */
    record Shared() implements SlotSplit {
        @Override
        public String toString() {
            return "shared";
        }
    }

    /** See {@link #EVEN}. */
    record Even() implements SlotSplit {
        @Override
        public String toString() {
            return "even";
        }
    }

    /**
     * In proportion to weights.
     *
     * @param layers a weight for each layer of the model; 0 for layers without experts
     */
    record Weights(List<Integer> layers) implements SlotSplit {

        private static final Pattern TEXT = Pattern.compile("\\d{1,7}(\\s*,\\s*\\d{1,7}){0,1023}");

        public Weights {
            layers = List.copyOf(layers);
        }

        @Override
        public String toString() {
            return layers.stream().map(String::valueOf).collect(Collectors.joining(","));
        }
    }

    /**
     * The split of one model, or null for one pool.
     *
     * @param routed which layers have experts
     * @throws IllegalArgumentException if there are weights for more or fewer layers, or a layer
     *     with experts has none
     */
    default @Nullable LayerSplit over(boolean[] routed) {
        if (this instanceof Shared) {
            return null;
        }
        if (!(this instanceof Weights weights)) {
            return LayerSplit.even(routed);
        }
        int[] given = weights.layers().stream().mapToInt(Integer::intValue).toArray();
        if (given.length != routed.length) {
            throw new IllegalArgumentException(
                    "The slots are to be split between "
                            + given.length
                            + " layers, but the model has "
                            + routed.length);
        }
        for (int layer = 0; layer < routed.length; layer++) {
            if (routed[layer] != given[layer] > 0) {
                throw new IllegalArgumentException(
                        "Layer "
                                + layer
                                + (routed[layer] ? " has" : " has no")
                                + " experts, but its weight in the split of the slots is "
                                + given[layer]);
            }
        }
        return new LayerSplit(given);
    }

    /**
     * Reads "shared", "even" or weights like "3,2,2"; case and blanks do not matter.
     *
     * @throws IllegalArgumentException saying what is accepted
     */
    static SlotSplit parse(String text) {
        String trimmed = text.trim().toLowerCase(Locale.ROOT);
        if (trimmed.equals("shared")) {
            return SHARED;
        }
        if (trimmed.equals("even")) {
            return EVEN;
        }
        if (!Weights.TEXT.matcher(trimmed).matches()) {
            throw new IllegalArgumentException(
                    "write shared, even, or a weight for each layer separated by commas");
        }
        return new Weights(
                Stream.of(trimmed.split("\\s*,\\s*", -1)).map(Integer::valueOf).toList());
    }
}
