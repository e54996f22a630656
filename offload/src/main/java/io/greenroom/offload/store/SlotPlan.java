package io.greenroom.offload.store;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a budget comes to: as many slots as fit in it, never more bytes than it says, and no more
 * slots than there are experts. Low-bit copies, if there are any, have slots of their own in the
 * same budget; how many follows from the number of experts' slots, so that both grow and shrink
 * together.
 *
 * @param budgetBytes bytes the budget comes to
 * @param slotBytes bytes of one slot
 * @param slots number of slots
 * @param copies low-bit copies, or null
 */
public record SlotPlan(long budgetBytes, long slotBytes, int slots, @Nullable Copies copies) {

    /** Without copies. */
    public SlotPlan(long budgetBytes, long slotBytes, int slots) {
        this(budgetBytes, slotBytes, slots, null);
    }

    /**
     * Low-bit copies that share the budget.
     *
     * @param layout of the copies
     * @param share of the budget that they get, between 0 and 1, but at least one slot
     */
    public record Copies(ExpertLayout layout, double share) {

        /** Slots of copies beside so many bytes of experts. */
        private int beside(long expertBytes) {
            long fit = (long) (expertBytes * (share / (1 - share)) / layout.slotBytes());
            return (int) Math.max(1, Math.min(fit, layout.experts()));
        }
    }

    /**
     * @param leastSlots slots the model cannot run below: the experts that one token needs at once
     * @param available bytes the container leaves for experts; only "auto" looks at it
     * @throws InsufficientBudgetException if the budget holds fewer, naming the smallest that works
     */
    public static SlotPlan of(
            ExpertBudget budget, ExpertLayout layout, int leastSlots, long available) {
        return of(budget, layout, null, leastSlots, available);
    }

    /**
     * As {@link #of(ExpertBudget, ExpertLayout, int, long)}, with low-bit copies.
     *
     * @param copies null for none
     */
    public static SlotPlan of(
            ExpertBudget budget,
            ExpertLayout layout,
            @Nullable Copies copies,
            int leastSlots,
            long available) {
        long bytes = budget.resolve(layout.allExpertBytes(), available);
        int slots = (int) Math.min(bytes / layout.slotBytes(), layout.experts());
        SlotPlan plan = new SlotPlan(bytes, layout.slotBytes(), slots, copies);
        if (copies != null) {
            plan = plan.largestWithin(slots);
        }
        if (plan.slots() < leastSlots) {
            throw new InsufficientBudgetException(
                    copies == null
                            ? refusal(budget, bytes, layout, leastSlots)
                            : plan.refusal(copies, leastSlots));
        }
        return plan;
    }

    /** What another budget comes to, as {@link #of}. */
    public SlotPlan changed(
            ExpertBudget budget, ExpertLayout layout, int leastSlots, long available) {
        return of(budget, layout, copies, leastSlots, available);
    }

    /** The same with fewer slots, because others share the budget. */
    public SlotPlan withSlots(int fewer) {
        return fewer == slots ? this : new SlotPlan(arenaBytes(fewer), slotBytes, fewer, copies);
    }

    /** Bytes of all slots; never above the budget. */
    public long arenaBytes() {
        return arenaBytes(slots);
    }

    /** Bytes of so many slots, and of the copies' beside them. */
    public long arenaBytes(int count) {
        return count * slotBytes + copySlots(count) * copySlotBytes();
    }

    /** Slots of copies; 0 without. */
    public int copySlots() {
        return copySlots(slots);
    }

    /** Slots of copies beside so many slots. */
    public int copySlots(int count) {
        return copies == null ? 0 : copies.beside(count * slotBytes);
    }

    /** Bytes of a copy's slot; 0 without. */
    public long copySlotBytes() {
        return copies == null ? 0 : copies.layout().slotBytes();
    }

    /**
     * Bytes of one slot more and of what comes with it: {@code n} of these and {@link
     * #copySlotBytes} are at least {@link #arenaBytes(int)} of {@code n}, for whoever reserves by
     * the slot.
     */
    public long bytesPerSlot() {
        double share = copies == null ? 0 : copies.share();
        return copies == null ? slotBytes : (long) Math.ceil(slotBytes / (1 - share)) + 1;
    }

    /** The most slots, up to a number, that the budget holds with their copies; 0 if none. */
    private SlotPlan largestWithin(int most) {
        int low = 0;
        int high = most;
        while (low < high) { // bytes grow with slots
            int middle = (low + high + 1) / 2;
            if (arenaBytes(middle) <= budgetBytes) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return new SlotPlan(budgetBytes, slotBytes, low, copies);
    }

    private String refusal(Copies sharing, int leastSlots) {
        long least = arenaBytes(leastSlots);
        return String.format(
                Locale.ROOT,
                "The expert budget of %s (%d bytes), of which low-bit copies have %.1f %%, holds"
                        + " %d experts of %s, but one token needs %d at once. The smallest budget"
                        + " that works is %d bytes (%s), or a smaller share of copies",
                new ByteSize(budgetBytes),
                budgetBytes,
                100 * sharing.share(),
                slots,
                new ByteSize(slotBytes),
                leastSlots,
                least,
                new ByteSize(least));
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
