package io.greenroom.offload.decoder;

import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.DenseLoader;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.SlotPlan;

/**
 * What a model takes in memory, known from the headers of its files alone.
 *
 * @param contextLength longest context of one request
 * @param denseBytes weights that are always resident
 * @param kvBytes keys and values
 * @param scratchBytes buffers of the forward pass
 * @param slotBytes one resident expert
 * @param experts routed experts of the model, over all layers
 * @param leastSlots experts that one token needs at once
 * @param availableBytes memory for the model that this was computed with
 */
public record Footprint(
        int contextLength,
        long denseBytes,
        long kvBytes,
        long scratchBytes,
        long slotBytes,
        int experts,
        int leastSlots,
        long availableBytes) {

    /**
     * Looks at a checkpoint.
     *
     * @param availableBytes memory the model may take; the KV cache has at most a quarter of it
     * @throws IllegalArgumentException if the context is longer than the model's own
     */
    public static Footprint of(Checkpoint checkpoint, ModelOptions options, long availableBytes) {
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        MemoryPlan plan =
                MemoryPlan.of(
                        checkpoint.spec(),
                        options,
                        DenseLoader.denseBytes(checkpoint),
                        availableBytes,
                        left -> new SlotPlan(left, layout.slotBytes(), 0));
        return new Footprint(
                plan.contextLength(),
                plan.denseBytes(),
                plan.kvBytes(),
                plan.scratch().bytes(),
                layout.slotBytes(),
                layout.experts(),
                checkpoint.spec().expertsPerToken(),
                availableBytes);
    }

    /** All that is not experts. */
    public long besidesBytes() {
        return denseBytes + kvBytes + scratchBytes;
    }

    /** What is left for experts; 0 if nothing is. */
    public long expertBytesLeft() {
        return Math.max(0, availableBytes - besidesBytes());
    }

    /** All experts resident. */
    public long allExpertBytes() {
        return Math.multiplyExact(slotBytes, experts);
    }

    /** Experts that a budget holds. */
    public int slots(long budgetBytes) {
        return (int) Math.min(budgetBytes / slotBytes, experts);
    }
}
