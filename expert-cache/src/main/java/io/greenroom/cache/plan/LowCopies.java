package io.greenroom.cache.plan;

import java.util.List;

/**
 * Low-bit copies that stand in for missing experts of lesser weight (Tang et al., "HOBBIT: A Mixed
 * Precision Expert Offloading System for Fast MoE Inference", 2024), as far as planning goes.
 *
 * @param slotBytes memory one copy takes
 * @param missBytes bytes read for a copy that is not resident, by layer
 * @param full share of missing experts that must be there in full precision
 * @param low share of missing experts that a copy may stand in for; the others are left out
 * @param curves for each layer how often a copy that is asked for is missing, as a function of the
 *     copies the layer holds; only the proportions matter
 */
public record LowCopies(
        long slotBytes, long[] missBytes, double full, double low, List<MissCurve> curves) {

    public LowCopies {
        missBytes = missBytes.clone();
        curves = List.copyOf(curves);
        if (slotBytes < 1 || missBytes.length != curves.size()) {
            throw new IllegalArgumentException(
                    "Low-bit copies need at least 1 byte, and a curve and the bytes of a read for"
                            + " every layer; got "
                            + slotBytes
                            + " bytes, "
                            + curves.size()
                            + " curves and "
                            + missBytes.length
                            + " sizes");
        }
        if (!(full >= 0 && low >= 0 && full + low <= 1 + 1e-9)) {
            throw new IllegalArgumentException(
                    "The shares of misses in full and in low precision are at least 0 and at most 1"
                            + " together, got "
                            + full
                            + " and "
                            + low);
        }
    }

    @Override
    public long[] missBytes() {
        return missBytes.clone();
    }

    /** Share of a layer's requests for copies that are missing when it holds so many. */
    double missing(int layer, int copies) {
        double all = curves.get(layer).visited();
        return all == 0 ? 0 : curves.get(layer).misses(copies) / all;
    }
}
