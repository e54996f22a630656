package io.greenroom.cache.sim;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Where guesses about the next visit come from. */
public enum GuessSource {
    /** There are none: prefetch is off. */
    NONE,
    /** What the cross-layer gate foresaw while the trace was recorded. */
    RECORDED,
    /** What the layer's last visit asked for. */
    PREVIOUS,
    /** The truth: what prefetch could bring at most. */
    PERFECT;

    private static final int[] NOTHING = {};

    /** How it is written: {@code recorded}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads a name; case and surrounding blanks do not matter.
     *
     * @throws IllegalArgumentException listing the names there are
     */
    public static GuessSource parse(String text) {
        for (GuessSource source : values()) {
            if (source.toString().equalsIgnoreCase(text.trim())) {
                return source;
            }
        }
        throw new IllegalArgumentException(
                "Not a predictor: \""
                        + text
                        + "\"; write one of "
                        + Arrays.stream(values())
                                .map(GuessSource::toString)
                                .collect(Collectors.joining(", ")));
    }

    /**
     * Experts to read ahead for a visit, while the one before is under way.
     *
     * @param last the previous visit of each layer so far
     */
    int[] guess(RoutingSequence.Visit next, List<int[]> last) {
        return switch (this) {
            case NONE -> NOTHING;
            case RECORDED -> next.predicted();
            case PREVIOUS -> last.get(next.layer());
            case PERFECT -> next.experts();
        };
    }
}
