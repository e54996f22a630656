package io.greenroom.offload.decoder;

import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.gating.residency.RoutingTally;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.probe.Spread;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.SlotPlan;
import java.util.ArrayList;
import java.util.List;

/**
 * A model's own decoder over made-up weights, for one request, to see how long a token takes.
 * Whatever comes out of it is thrown away.
 */
final class ProbeModel {

    private static final int CONTEXT = 256;
    private static final int WARM_TOKENS = 3;
    private static final int LEAST_TOKENS = 5;
    private static final int ALIGNMENT = 64;
    private static final double NANOS = 1e9;

    private final MadeUpWeights weights;
    private final Scratch scratch;
    private final BatchDecoder decoder;
    private final int context;
    private final int[] pages;
    private final Batch batch = new Batch(1, 1);

    /** Says where the experts come from. */
    @FunctionalInterface
    interface Source {
        ExpertStage.Experts experts(MadeUpWeights weights);
    }

    ProbeModel(
            Checkpoint checkpoint,
            ModelOptions options,
            Kernels kernels,
            Source source,
            ResourceStack resources) {
        ModelSpec spec = checkpoint.spec();
        NativeAllocator allocator = new NativeAllocator();
        this.weights = new MadeUpWeights(allocator, checkpoint, resources);
        MemoryPlan plan =
                MemoryPlan.of(
                        spec,
                        single(spec, options),
                        0,
                        Long.MAX_VALUE,
                        left -> new SlotPlan(left, 1, 1));
        KvCache kv = new KvCache(kvPages(spec, options, plan, allocator, resources));
        scratch =
                Scratch.in(
                        resources.push(
                                allocator.allocate(
                                        MemoryTag.ACTIVATIONS, plan.scratch().bytes(), ALIGNMENT)),
                        plan.scratch());
        RopeTable.fill(spec, kernels, scratch.rope());
        ExpertStage.Experts experts = source.experts(weights);
        ModelLoader.Assembly assembly =
                new ModelLoader.Assembly(
                        spec,
                        weights.weights(),
                        null,
                        new YieldingRows(
                                experts.cache(),
                                scratch.x().rows(),
                                spec.expertsPerToken(),
                                new RoutingTally(),
                                new ExpertUsage(spec.layers(), spec.experts(), id -> 0)),
                        RoutingObserver.all(List.of()),
                        kernels,
                        kv,
                        scratch,
                        experts,
                        null);
        decoder = assembly.decoder();
        context = plan.contextLength();
        pages = kv.reserve(context);
    }

    private static ModelOptions single(ModelSpec spec, ModelOptions options) {
        return ModelOptions.builder()
                .contextLength(Math.min(CONTEXT, spec.contextLength()))
                .kvType(options.kvType())
                .maxConcurrent(1)
                .prefillChunk(1)
                .build();
    }

    private static KvPages kvPages(
            ModelSpec spec,
            ModelOptions options,
            MemoryPlan plan,
            NativeAllocator allocator,
            ResourceStack resources) {
        NativeMemory memory =
                resources.push(allocator.allocate(MemoryTag.KV_CACHE, plan.kvBytes(), ALIGNMENT));
        return new KvPages(
                memory,
                options.kvType(),
                spec.layers(),
                plan.kvPages(),
                KvCache.PAGE_SIZE,
                spec.kvHeads(),
                spec.headDim());
    }

    MadeUpWeights weights() {
        return weights;
    }

    Scratch scratch() {
        return scratch;
    }

    /** Tokens decoded before the first that counts. */
    int warmTokens() {
        return WARM_TOKENS;
    }

    /** Seconds of one token, decoding for about so long. */
    Spread tokens(long nanos) throws InterruptedException {
        for (int i = 0; i < WARM_TOKENS; i++) {
            token(i % context);
        }
        List<Double> seconds = new ArrayList<>();
        long start = System.nanoTime();
        while (seconds.size() < LEAST_TOKENS || System.nanoTime() - start < nanos) {
            long before = System.nanoTime();
            token((WARM_TOKENS + seconds.size()) % context);
            seconds.add((System.nanoTime() - before) / NANOS);
        }
        return Spread.of(seconds.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private void token(int position) throws InterruptedException {
        batch.clear();
        batch.addSequence(pages);
        batch.addRow(0, position, true);
        decoder.forward(batch);
        Throwable failure = batch.failure(0);
        if (failure != null) {
            throw new IllegalStateException(
                    "The time of a token could not be measured: " + failure.getMessage(), failure);
        }
        decoder.logits(batch, (sequence, at, logits) -> {});
    }
}
