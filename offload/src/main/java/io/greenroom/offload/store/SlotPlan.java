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
 * same budget.
 *
 * @param budgetBytes bytes the budget comes to
 * @param slotBytes bytes of one slot
 * @param slots number of slots
 * @param copySlotBytes bytes of a copy's slot; 0 without copies
 * @param copySlots number of those; {@code slots * slotBytes + copySlots * copySlotBytes} is at
 *     most {@code budgetBytes}
 */
public record SlotPlan(
        long budgetBytes, long slotBytes, int slots, long copySlotBytes, int copySlots) {

    /** Without copies. */
    public SlotPlan(long budgetBytes, long slotBytes, int slots) {
        this(budgetBytes, slotBytes, slots, 0, 0);
    }

    /**
     * Low-bit copies that share the budget.
     *
     * @param layout of the copies
     * @param share of the budget that they get, between 0 and 1, but at least one slot
     */
    public record Copies(ExpertLayout layout, double share) {

        private int slots(long budget) {
            long fit = (long) (budget * share / layout.slotBytes());
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
        if (copies == null) {
            int slots = slots(bytes, layout);
            if (slots < leastSlots) {
                throw new InsufficientBudgetException(refusal(budget, bytes, layout, leastSlots));
            }
            return new SlotPlan(bytes, layout.slotBytes(), slots);
        }
        int copySlots = copies.slots(bytes);
        long copySlotBytes = copies.layout().slotBytes();
        int slots = slots(Math.max(0, bytes - copySlots * copySlotBytes), layout);
        if (slots < leastSlots) {
            throw new InsufficientBudgetException(refusal(bytes, layout, copies, leastSlots));
        }
        return new SlotPlan(bytes, layout.slotBytes(), slots, copySlotBytes, copySlots);
    }

    private static int slots(long bytes, ExpertLayout layout) {
        return (int) Math.min(bytes / layout.slotBytes(), layout.experts());
    }

    /** The same copies with fewer experts, because others share the budget. */
    public SlotPlan withSlots(int fewer) {
        return fewer == slots
                ? this
                : new SlotPlan(
                        fewer * slotBytes + copyBytes(),
                        slotBytes,
                        fewer,
                        copySlotBytes,
                        copySlots);
    }

    /**
     * What another budget comes to while the slots of copies stay as they are.
     *
     * @throws InsufficientBudgetException if the budget holds fewer than {@code leastSlots}, naming
     *     the smallest that works
     */
    public SlotPlan changed(
            ExpertBudget budget, ExpertLayout layout, int leastSlots, long available) {
        if (copySlots == 0) {
            return of(budget, layout, leastSlots, available);
        }
        long bytes = budget.resolve(layout.allExpertBytes() + copyBytes(), available);
        int changed = slots(Math.max(0, bytes - copyBytes()), layout);
        if (changed < leastSlots) {
            long least = copyBytes() + leastSlots * slotBytes;
            throw new InsufficientBudgetException(
                    String.format(
                            Locale.ROOT,
                            "The expert budget of %s (%d bytes) holds the low-bit copies, %s as long"
                                    + " as the model is loaded, and %d experts of %s, but one token"
                                    + " needs %d at once. The smallest budget that works is %d bytes"
                                    + " (%s)",
                            new ByteSize(bytes),
                            bytes,
                            new ByteSize(copyBytes()),
                            changed,
                            new ByteSize(slotBytes),
                            leastSlots,
                            least,
                            new ByteSize(least)));
        }
        return new SlotPlan(bytes, slotBytes, changed, copySlotBytes, copySlots);
    }

    /** Bytes of the slots of copies. */
    public long copyBytes() {
        return copySlots * copySlotBytes;
    }

    /** Bytes of all slots; never above the budget. */
    public long arenaBytes() {
        return slots * slotBytes + copySlots * copySlotBytes;
    }

    private static String refusal(long bytes, ExpertLayout layout, Copies copies, int leastSlots) {
        long needed = Math.multiplyExact(layout.slotBytes(), leastSlots);
        // the copies' share is rounded down to slots, but not below one
        long enough =
                Math.max(
                        needed + copies.layout().slotBytes(),
                        (long) Math.ceil(needed / (1 - copies.share())) + 1);
        return String.format(
                Locale.ROOT,
                "The expert budget of %s (%d bytes), of which low-bit copies have %.1f %%, holds"
                        + " fewer than the %d experts of %s that one token needs at once. A budget"
                        + " that works is %d bytes (%s), or a smaller share of copies",
                new ByteSize(bytes),
                bytes,
                100 * copies.share(),
                leastSlots,
                new ByteSize(layout.slotBytes()),
                enough,
                new ByteSize(enough));
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
