package io.greenroom.cache;

import java.util.List;
import java.util.stream.Collectors;

/**
 * How models share one budget: each has its floor, and what is left is dealt out by weight, slot by
 * slot, to whoever has least for its weight, up to what each can use. Weighted max-min fairness
 * (Bertsekas and Gallager, "Data Networks", 1992, section 6.5) in whole slots.
 */
public final class BudgetShares {

    private BudgetShares() {}

    /**
     * What one model may ask of a shared budget.
     *
     * @param name of the model, for refusals
     * @param slotBytes bytes of one slot
     * @param fixedBytes bytes it takes besides, however many slots it has
     * @param least slots it must have, at least 1
     * @param most slots it can use, at least {@code least}
     * @param weight its part of what is left above all floors, against the others; at least 1
     */
    public record Claim(
            String name, long slotBytes, long fixedBytes, int least, int most, int weight) {

        public Claim {
            if (slotBytes < 1 || fixedBytes < 0 || least < 1 || most < least || weight < 1) {
                throw new IllegalArgumentException(
                        "No model can claim "
                                + least
                                + " to "
                                + most
                                + " slots of "
                                + slotBytes
                                + " bytes with weight "
                                + weight);
            }
        }

        /** Bytes with a number of slots. */
        public long bytes(int slots) {
            return Math.addExact(fixedBytes, Math.multiplyExact(slotBytes, slots));
        }

        Claim withMost(int slots) {
            return new Claim(name, slotBytes, fixedBytes, least, slots, weight);
        }

        private String floor() {
            return name + " " + new ByteSize(bytes(least));
        }
    }

    /**
     * Divides a budget.
     *
     * @return slots of each claim, in order: at least its least, at most its most, together within
     *     the budget; nobody could have one slot more
     * @throws BudgetExceededException naming the numbers, if the floors do not fit
     */
    public static int[] divide(ByteSize total, List<Claim> claims) {
        int[] slots = new int[claims.size()];
        long left = total.bytes();
        for (int i = 0; i < slots.length; i++) {
            Claim claim = claims.get(i);
            slots[i] = claim.least();
            long floor = claim.bytes(claim.least());
            if (floor > left) {
                throw new BudgetExceededException(refusal(total, claims));
            }
            left -= floor;
        }
        for (int next = next(claims, slots, left); next >= 0; next = next(claims, slots, left)) {
            slots[next]++;
            left -= claims.get(next).slotBytes();
        }
        return slots;
    }

    /** Who gets the next slot, or -1; of equals the first. */
    private static int next(List<Claim> claims, int[] slots, long left) {
        int best = -1;
        double bestRatio = Double.POSITIVE_INFINITY;
        for (int i = 0; i < slots.length; i++) {
            Claim claim = claims.get(i);
            if (slots[i] < claim.most() && claim.slotBytes() <= left) {
                double ratio = (double) claim.bytes(slots[i] + 1) / claim.weight();
                if (ratio < bestRatio) {
                    best = i;
                    bestRatio = ratio;
                }
            }
        }
        return best;
    }

    private static String refusal(ByteSize total, List<Claim> claims) {
        return "The total expert budget is "
                + total
                + ", but the models cannot do with less than these: "
                + claims.stream().map(Claim::floor).collect(Collectors.joining(", "))
                + "; raise the total, unload a model, or lower a floor where one was set";
    }
}
