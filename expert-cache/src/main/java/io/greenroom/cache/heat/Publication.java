package io.greenroom.cache.heat;

import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * When heat is worth telling again.
 *
 * <p>The measure is {@link Heat#staleness}: the part of the demand that a replica would no longer
 * meet if it began with what was told last. It is taken at the model's own number of slots and at
 * an eighth, a quarter and half of all experts, since other replicas may have other budgets; the
 * worst counts. After each publication it begins at 0 again, so heat that wavers around a boundary
 * is not told over and over.
 */
public final class Publication {

    /** Demand that may be lost before heat is told again. */
    public static final double STALE = 0.05;

    /** Heat of fewer tokens says little. */
    public static final double LEAST_TOKENS = 256;

    private Publication() {}

    /**
     * Whether heat is to be told.
     *
     * @param published what was told last, or null
     * @param slots of the model that measured it
     */
    public static boolean isDue(Heat now, @Nullable Heat published, int slots) {
        return now.tokens() >= LEAST_TOKENS
                && (published == null || staleness(now, published, slots) >= STALE);
    }

    /** The worst staleness at any of the budgets looked at, from 0 to 1. */
    public static double staleness(Heat now, Heat published, int slots) {
        int all = now.layers() * now.experts();
        return IntStream.of(slots, all / 8, all / 4, all / 2)
                .mapToDouble(room -> now.staleness(published, room))
                .max()
                .orElse(0);
    }
}
