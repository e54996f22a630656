package io.greenroom.cache.plan;

import java.util.ArrayList;
import java.util.List;

/**
 * A budget divided twice: between experts in full precision and low-bit copies, and each part
 * between the layers.
 *
 * @param slots of full precision, by layer
 * @param copies of low precision, by layer
 * @param bytesPerToken read for each token
 */
public record PrecisionMix(int[] slots, int[] copies, double bytesPerToken) {

    /*
     * The two choices of a layer depend on each other: the more experts it holds in full, the fewer
     * copies are asked for, and the more copies it holds, the less a miss costs. For a fixed share
     * of the budget for copies, each part is divided at best while the other stands still, the full
     * one once more at the end; neither step makes the mix worse. The shares tried are sixteenths.
     */
    private static final int PARTS = 16;

    /** No more than half of the budget goes to copies. */
    private static final int MOST_PARTS = 8;

    /**
     * The best mix found.
     *
     * @param full what is divided when there are no copies; its slots are what the budget holds
     * @param slotBytes memory of one slot in full precision
     * @param leastSlots of full precision that a mix keeps
     */
    public static PrecisionMix best(
            SplitProblem full, long slotBytes, int leastSlots, LowCopies low) {
        PrecisionMix best = null;
        for (int parts = 0; parts <= MOST_PARTS; parts++) {
            long budget = Math.multiplyExact((long) full.slots(), slotBytes);
            int copies = (int) (budget / PARTS * parts / low.slotBytes());
            int slots = (int) ((budget - copies * low.slotBytes()) / slotBytes);
            if (slots < leastSlots) {
                break;
            }
            PrecisionMix mix = withShare(full, slots, copies, low);
            if (best == null || mix.bytesPerToken() < best.bytesPerToken()) {
                best = mix;
            }
        }
        if (best == null) {
            throw new IllegalArgumentException("No mix was tried for " + full.slots() + " slots");
        }
        return best;
    }

    /** Share of a budget of so many slots that copies take, from 0 to 1. */
    public double lowShare(long slotBytes, long copyBytes) {
        double low = (double) Splits.sum(copies) * copyBytes;
        double all = low + (double) Splits.sum(slots) * slotBytes;
        return all == 0 ? 0 : low / all;
    }

    private static PrecisionMix withShare(SplitProblem full, int slots, int copies, LowCopies low) {
        OptimalSplit optimal = new OptimalSplit();
        int[] resident = new int[full.layers()];
        int[] split = optimal.split(priced(full, slots, resident, low));
        if (copies > 0) {
            resident = optimal.split(lowProblem(full, split, copies, low));
            split = optimal.split(priced(full, slots, resident, low));
        }
        return new PrecisionMix(
                split, resident, priced(full, slots, resident, low).bytesPerToken(split));
    }

    /** What a miss costs on average, as many copies being resident. */
    private static SplitProblem priced(
            SplitProblem full, int slots, int[] resident, LowCopies low) {
        long[] bytes = full.missBytes();
        long[] lowBytes = low.missBytes();
        for (int layer = 0; layer < bytes.length; layer++) {
            bytes[layer] =
                    Math.round(
                            low.full() * bytes[layer]
                                    + low.low()
                                            * low.missing(layer, resident[layer])
                                            * lowBytes[layer]);
        }
        return new SplitProblem(full.curves(), bytes, slots, full.least());
    }

    private static SplitProblem lowProblem(
            SplitProblem full, int[] split, int copies, LowCopies low) {
        List<MissCurve> curves = new ArrayList<>();
        for (int layer = 0; layer < split.length; layer++) {
            double asked = low.low() * full.curves().get(layer).misses(split[layer]);
            MissCurve curve = low.curves().get(layer);
            curves.add(curve.times(curve.visited() == 0 ? 0 : asked / curve.visited()));
        }
        return new SplitProblem(curves, low.missBytes(), copies, 0);
    }
}
