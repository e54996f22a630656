package io.greenroom.gating.residency;

/** Adds up {@link RoutingCost}s. Thread-safe; its lock is free but for an occasional snapshot. */
public final class RoutingTally {

    private long selections;
    private long altered;
    private long fallbacks;
    private double exactWeight;
    private double lostWeight;

    /** Adds what one token in one layer, or many, came to; as in {@link RoutingCost}. */
    public synchronized void add(
            long moreSelections,
            long moreAltered,
            long moreFallbacks,
            double moreExactWeight,
            double moreLostWeight) {
        selections += moreSelections;
        altered += moreAltered;
        fallbacks += moreFallbacks;
        exactWeight += moreExactWeight;
        lostWeight += moreLostWeight;
    }

    public synchronized RoutingCost cost() {
        return new RoutingCost(selections, altered, fallbacks, exactWeight, lostWeight);
    }
}
