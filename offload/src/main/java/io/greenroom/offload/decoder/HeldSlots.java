package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.SharedBudget;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.SlotPlan;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The slots of a model: of its experts and, in mixed precision, of their copies. The number of the
 * latter follows from that of the former, so both grow and shrink together.
 *
 * @param cache of experts
 * @param arena of the experts
 * @param copies their low-bit copies, or null
 * @param plan says how many copies go with how many experts
 */
record HeldSlots(ExpertCache cache, SlotArena arena, @Nullable LowBitCopies copies, SlotPlan plan)
        implements SharedBudget.Holder {

    @Override
    public CompletableFuture<Integer> resize(int slots) {
        CompletableFuture<Integer> experts = cache.resize(slots);
        return copies == null
                ? experts
                : experts.thenCombine(
                        copies.resize(plan.copySlots(slots)), (reached, beside) -> reached);
    }

    /** Bytes of slots that are memory. */
    long committedBytes() {
        return arena.committedBytes() + (copies == null ? 0 : copies.committedBytes());
    }

    /** Bytes of the slots there are now, while some of them are still to be given up. */
    long bytes() {
        long experts = plan.slotBytes() * cache.slots();
        return copies == null ? experts : experts + plan.copySlotBytes() * copies.slots();
    }
}
