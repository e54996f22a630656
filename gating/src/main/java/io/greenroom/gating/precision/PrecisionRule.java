package io.greenroom.gating.precision;

/**
 * HOBBIT's rule (Tang et al., "HOBBIT: A Mixed Precision Expert Offloading System for Fast MoE
 * Inference", 2024): a token's experts are ordered by their weights, and the share {@code u} of the
 * token's weight that is ranked above an expert says how little is lost without it.
 *
 * <pre>
 * DEFINITION   u(r) = sum of w[j], j ranked above r / sum of w
 *              u &lt;= fullUpTo   FULL
 *              u &lt;= copyUpTo   COPY
 *              else            IF_RESIDENT
 * EXAMPLE      w = 0.4 0.3 0.2 0.1   u = 0 0.4 0.7 0.9   by 0.6 and 0.9: FULL FULL COPY COPY
 * </pre>
 *
 * <p>The expert with the largest weight has {@code u = 0} and is always needed in full. With {@code
 * fullUpTo} of 1 all are.
 *
 * @param fullUpTo from 0 to 1
 * @param copyUpTo from {@code fullUpTo} to 1
 */
public record PrecisionRule(double fullUpTo, double copyUpTo) {

    /** The thresholds of the paper. */
    public static final PrecisionRule DEFAULT = new PrecisionRule(0.6, 0.9);

    /** Every expert in full: what the router decided. */
    public static final PrecisionRule EXACT = new PrecisionRule(1, 1);

    /**
     * @throws IllegalArgumentException naming both thresholds and what is accepted
     */
    public PrecisionRule {
        if (!(fullUpTo >= 0 && fullUpTo <= copyUpTo && copyUpTo <= 1)) {
            throw new IllegalArgumentException(
                    "Experts cannot be read in full up to "
                            + fullUpTo
                            + " and as copies up to "
                            + copyUpTo
                            + " of a token's weight; write 0 <= full <= copy <= 1");
        }
    }

    /**
     * How much a token needs one of its experts.
     *
     * @param weights of the token's experts in {@code [from, from + k)}, not negative, in any order
     * @param rank which of them, from 0 to k - 1
     */
    public Need need(float[] weights, int from, int k, int rank) {
        float own = weights[from + rank];
        double above = 0;
        double total = 0;
        // Dropping terms of a sum of floats never makes it larger, so above <= total exactly.
        for (int i = 0; i < k; i++) {
            float weight = weights[from + i];
            total += weight;
            if (weight > own || (weight == own && i < rank)) {
                above += weight;
            }
        }
        if (above <= fullUpTo * total) {
            return Need.FULL;
        }
        return above <= copyUpTo * total ? Need.COPY : Need.IF_RESIDENT;
    }
}
