package io.greenroom.gating.residency;

/**
 * What yielding to residents has cost, over the tokens and layers that did so. Routing that is
 * exact is not counted: it costs nothing.
 *
 * @param selections experts chosen: tokens times layers times experts per token
 * @param altered of these, experts that the router alone would not have chosen
 * @param fallbacks of these, experts not in memory that {@code resident} had to admit because a
 *     layer had fewer residents than a token needs
 * @param exactWeight sum of the router's probabilities of the experts it would have chosen
 * @param lostWeight the part of {@code exactWeight} that the experts chosen do not have
 */
public record RoutingCost(
        long selections, long altered, long fallbacks, double exactWeight, double lostWeight) {

    /** Nothing chosen, nothing lost. */
    public static final RoutingCost NONE = new RoutingCost(0, 0, 0, 0, 0);

    /** Share of selections that were altered, from 0 to 1; 0 if there were none. */
    public double alteredShare() {
        return selections == 0 ? 0 : (double) altered / selections;
    }

    /** Share of the router's weight that was lost, from 0 to 1; 0 if there was none. */
    public double lostShare() {
        return exactWeight == 0 ? 0 : lostWeight / exactWeight;
    }

    /** What was added since an earlier snapshot of the same counts. */
    public RoutingCost since(RoutingCost earlier) {
        return new RoutingCost(
                selections - earlier.selections,
                altered - earlier.altered,
                fallbacks - earlier.fallbacks,
                exactWeight - earlier.exactWeight,
                lostWeight - earlier.lostWeight);
    }
}
