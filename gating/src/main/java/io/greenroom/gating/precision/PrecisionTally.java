package io.greenroom.gating.precision;

/** Adds up {@link PrecisionCost}s. Thread-safe; its lock is free but for an occasional snapshot. */
public final class PrecisionTally {

    private PrecisionCost cost = PrecisionCost.NONE;

    /** Adds what one token in one layer, or many, came to. */
    public synchronized void add(PrecisionCost more) {
        cost =
                new PrecisionCost(
                        cost.selections() + more.selections(),
                        cost.copies() + more.copies(),
                        cost.skipped() + more.skipped(),
                        cost.weight() + more.weight(),
                        cost.skippedWeight() + more.skippedWeight(),
                        cost.savedBytes() + more.savedBytes());
    }

    public synchronized PrecisionCost cost() {
        return cost;
    }
}
