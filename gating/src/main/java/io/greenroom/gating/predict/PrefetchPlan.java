package io.greenroom.gating.predict;

import java.util.List;

/**
 * Guesses in the order in which they should be read.
 *
 * @param hints the likeliest first; distinct experts
 */
public record PrefetchPlan(List<PrefetchHint> hints) {

    /** No guess. */
    public static final PrefetchPlan NOTHING = new PrefetchPlan(List.of());

    public PrefetchPlan {
        hints = List.copyOf(hints);
    }
}
