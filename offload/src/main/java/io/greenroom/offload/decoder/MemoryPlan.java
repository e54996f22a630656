package io.greenroom.offload.decoder;

import io.greenroom.cache.ByteSize;
import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.SlotPlan;
import java.util.Optional;
import java.util.function.LongFunction;

/**
 * What a model will take, decided before anything is allocated.
 *
 * <p>The KV cache has a full context for each concurrent request, but at most a quarter of the
 * memory available, and always at least one full context; requests that do not fit wait. "auto"
 * gives the experts what is left after dense weights, KV cache and scratch.
 *
 * @param contextLength most tokens of one request
 * @param denseBytes weights always resident
 * @param kvPages pages of the KV cache
 * @param kvBytes bytes of the KV cache
 * @param scratch buffers of the forward pass
 * @param experts what the operator's budget comes to
 * @param totalExperts routed experts of the model
 */
record MemoryPlan(
        int contextLength,
        long denseBytes,
        int kvPages,
        long kvBytes,
        Scratch.Shape scratch,
        SlotPlan experts,
        int totalExperts) {

    /**
     * Context a model gets when the operator names none: more would reserve much and seldom use it.
     */
    static final int DEFAULT_CONTEXT = 8192;

    /** Rows projected onto the vocabulary at once when every position's logits are wanted. */
    private static final int MAX_LOGIT_ROWS = 16;

    /**
     * @param denseBytes bytes of the weights that are always resident
     * @param availableBytes memory this process may still take
     * @param experts turns the bytes that are left for experts into slots, or refuses
     * @throws IllegalArgumentException if the context is longer than the model's own
     */
    static MemoryPlan of(
            ModelSpec spec,
            ModelOptions options,
            long denseBytes,
            long availableBytes,
            LongFunction<SlotPlan> experts) {
        int contextLength = contextLength(spec, options);
        long pageBytes =
                KvPages.bytesFor(
                        options.kvType(),
                        spec.layers(),
                        1,
                        KvCache.PAGE_SIZE,
                        spec.kvHeads(),
                        spec.headDim());
        int pages =
                KvCache.poolPages(
                        contextLength, options.maxConcurrent(), pageBytes, availableBytes / 4);
        Scratch.Shape scratch =
                new Scratch.Shape(
                        spec,
                        options.maxConcurrent() + options.prefillChunk(),
                        Math.max(options.maxConcurrent(), MAX_LOGIT_ROWS),
                        contextLength);
        long kvBytes = Math.multiplyExact(pageBytes, pages);
        long left = availableBytes - denseBytes - kvBytes - scratch.bytes();
        return new MemoryPlan(
                contextLength,
                denseBytes,
                pages,
                kvBytes,
                scratch,
                experts.apply(Math.max(0, left)),
                totalExperts(spec));
    }

    /** The same with fewer slots, because other models share the total budget. */
    MemoryPlan withSlots(int slots) {
        return new MemoryPlan(
                contextLength,
                denseBytes,
                kvPages,
                kvBytes,
                scratch,
                experts.withSlots(slots),
                totalExperts);
    }

    /** Bytes of the arenas; never above the budget. */
    long arenaBytes() {
        return experts.arenaBytes();
    }

    /** Everything the model takes, outside the Java heap. */
    long totalBytes() {
        return denseBytes + kvBytes + scratch.bytes() + arenaBytes();
    }

    /**
     * What to tell the operator if this is more than there is. Not refused: the operator named the
     * budget, and memory counted as taken may be given back.
     */
    Optional<String> warning(long availableBytes) {
        if (totalBytes() <= availableBytes) {
            return Optional.empty();
        }
        return Optional.of(
                "this model takes "
                        + new ByteSize(totalBytes())
                        + ", but only "
                        + new ByteSize(availableBytes)
                        + " are left in this container or machine: it may be killed for memory;"
                        + " lower the expert budget, the context length or the Java heap");
    }

    private static int contextLength(ModelSpec spec, ModelOptions options) {
        if (options.contextLength() > spec.contextLength()) {
            throw new IllegalArgumentException(
                    "A context of "
                            + options.contextLength()
                            + " tokens was asked for, the model knows "
                            + spec.contextLength()
                            + "; lower the context length");
        }
        return options.contextLength() == 0
                ? Math.min(spec.contextLength(), DEFAULT_CONTEXT)
                : options.contextLength();
    }

    private static int totalExperts(ModelSpec spec) {
        int layers = 0;
        for (boolean moe : spec.moeLayers()) {
            layers += moe ? 1 : 0;
        }
        return Math.multiplyExact(layers, spec.experts());
    }

    /** One line for the log. */
    @Override
    public String toString() {
        return experts.slots()
                + " of "
                + totalExperts
                + " experts resident in "
                + new ByteSize(experts.slots() * experts.slotBytes())
                + (experts.copySlots() == 0
                        ? ""
                        : " and "
                                + experts.copySlots()
                                + " low-bit copies in "
                                + new ByteSize(experts.copySlots() * experts.copySlotBytes()))
                + " (budget "
                + new ByteSize(experts.budgetBytes())
                + ", slot "
                + new ByteSize(experts.slotBytes())
                + "), dense weights "
                + new ByteSize(denseBytes)
                + ", KV cache "
                + new ByteSize(kvBytes)
                + ", scratch "
                + new ByteSize(scratch.bytes())
                + ", context "
                + contextLength;
    }
}
