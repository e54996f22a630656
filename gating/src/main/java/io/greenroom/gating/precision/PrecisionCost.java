package io.greenroom.gating.precision;

/**
 * What mixed precision has changed, over the tokens and layers it was applied to.
 *
 * @param selections experts the router chose: tokens times layers times experts per token
 * @param copies of these, experts whose low-bit copy took part instead
 * @param skipped of these, experts that were done without
 * @param weight sum of the router's weights of all selections
 * @param skippedWeight the part of {@code weight} that was skipped
 * @param savedBytes bytes of experts that were not in memory and were not read, less the bytes of
 *     copies read in their place. An expert that several tokens of a batch do without is divided
 *     between them. The cache of exact routing would hold other experts, so this is an account of
 *     decisions and not a comparison with a run in exact mode.
 */
public record PrecisionCost(
        long selections,
        long copies,
        long skipped,
        double weight,
        double skippedWeight,
        long savedBytes) {

    /** Nothing chosen, nothing changed. */
    public static final PrecisionCost NONE = new PrecisionCost(0, 0, 0, 0, 0, 0);

    /** Share of selections that took part as copies, from 0 to 1; 0 if there were none. */
    public double copiedShare() {
        return selections == 0 ? 0 : (double) copies / selections;
    }

    /** Share of selections that were skipped, from 0 to 1; 0 if there were none. */
    public double skippedShare() {
        return selections == 0 ? 0 : (double) skipped / selections;
    }

    /** Share of the router's weight that was skipped, from 0 to 1; 0 if there was none. */
    public double skippedWeightShare() {
        return weight == 0 ? 0 : skippedWeight / weight;
    }

    /** What was added since an earlier snapshot of the same counts. */
    public PrecisionCost since(PrecisionCost earlier) {
        return new PrecisionCost(
                selections - earlier.selections,
                copies - earlier.copies,
                skipped - earlier.skipped,
                weight - earlier.weight,
                skippedWeight - earlier.skippedWeight,
                savedBytes - earlier.savedBytes);
    }
}
