package io.greenroom.offload.store;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * What a budget comes to: as many slots as fit in it, never more bytes than it says, and no more
 * slots than there are experts.
 *
 * @param budgetBytes bytes the budget comes to
 * @param slotBytes bytes of one slot
 * @param slots number of slots; {@code slots * slotBytes <= budgetBytes}
 */
public record SlotPlan(long budgetBytes, long slotBytes, int slots) {

    /**
     * @param leastSlots slots the model cannot run below: the experts that one token needs at once
     * @param available bytes the container leaves for experts; only "auto" looks at it
     * @throws InsufficientBudgetException if the budget holds fewer, naming the smallest that works
     */
    public static SlotPlan of(
            ExpertBudget budget, ExpertLayout layout, int leastSlots, long available) {
        long bytes = budget.resolve(layout.allExpertBytes(), available);
        int slots = (int) Math.min(bytes / layout.slotBytes(), layout.experts());
        if (slots < leastSlots) {
            throw new InsufficientBudgetException(refusal(budget, bytes, layout, leastSlots));
        }
        return new SlotPlan(bytes, layout.slotBytes(), slots);
    }

    private static String refusal(
            ExpertBudget budget, long bytes, ExpertLayout layout, int leastSlots) {
        long least = Math.multiplyExact(layout.slotBytes(), leastSlots);
        String origin = budget instanceof ExpertBudget.Auto ? " that the container leaves" : "";
        return "The expert budget of "
                + new ByteSize(bytes)
                + " ("
                + bytes
                + " bytes)"
                + origin
                + " holds "
                + bytes / layout.slotBytes()
                + " experts of "
                + new ByteSize(layout.slotBytes())
                + ", but one token needs "
                + leastSlots
                + " at once. The smallest budget that works is "
                + least
                + " bytes ("
                + new ByteSize(least)
                + ") or "
                + leastPercent(least, layout.allExpertBytes())
                + "% of all "
                + layout.experts()
                + " experts";
    }

    /** Rounded up to two decimals, and on until it is enough when it is read back. */
    private static String leastPercent(long least, long all) {
        BigDecimal percent =
                BigDecimal.valueOf(least)
                        .multiply(BigDecimal.valueOf(100))
                        .divide(BigDecimal.valueOf(all), 2, RoundingMode.UP);
        while (new ExpertBudget.Share(percent.doubleValue()).resolve(all, 0) < least) {
            percent = percent.add(new BigDecimal("0.01"));
        }
        return percent.stripTrailingZeros().toPlainString();
    }
}
