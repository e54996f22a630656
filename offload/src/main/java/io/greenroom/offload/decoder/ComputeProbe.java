package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.LoadPriority;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.probe.Spread;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertWeights;
import io.greenroom.offload.store.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * How long a token of a model takes to compute on this machine when every expert is resident: the
 * model's own decoder over weights of its shapes and types whose bytes are made up. Reads nothing
 * but the checkpoint's header.
 *
 * @param tokenSeconds of one token of one request
 * @param expertSeconds of these, one expert
 * @param kernels what computed
 */
public record ComputeProbe(Spread tokenSeconds, double expertSeconds, String kernels) {

    private static final int LEAST_EXPERTS = 5;
    private static final double NANOS = 1e9;

    /**
     * Computes tokens for a while.
     *
     * @param nanos about how long; longer where the fewest tokens take more
     * @throws io.greenroom.offload.memory.NativeMemoryException if the system refuses the memory
     */
    public static ComputeProbe of(Checkpoint checkpoint, ModelOptions options, long nanos)
            throws InterruptedException {
        try (ResourceStack resources = new ResourceStack()) {
            Kernels kernels =
                    MoeModels.kernels(options); // as the model will have them, threads and all
            if (kernels instanceof AutoCloseable closeable) {
                resources.push(closeable);
            }
            return run(checkpoint, options, nanos, kernels, resources);
        }
    }

    private static ComputeProbe run(
            Checkpoint checkpoint,
            ModelOptions options,
            long nanos,
            Kernels kernels,
            ResourceStack resources)
            throws InterruptedException {
        ProbeModel model =
                new ProbeModel(
                        checkpoint,
                        options,
                        kernels,
                        weights -> allResident(checkpoint.spec(), weights, resources),
                        resources);
        return new ComputeProbe(
                model.tokens(nanos * 3 / 4),
                expertSeconds(checkpoint.spec(), model, kernels, nanos / 4),
                kernels.describe());
    }

    private static ExpertStage.Experts allResident(
            ModelSpec spec, MadeUpWeights weights, ResourceStack resources) {
        ExpertCache cache =
                resources.push(
                        ExpertCache.builder(new AtOnce())
                                .shape(spec.layers(), spec.experts())
                                .slots(Math.multiplyExact(spec.layers(), spec.experts()))
                                .floor(spec.expertsPerToken())
                                .build());
        return new ExpertStage.Experts(cache, (id, slot) -> weights.expert(id));
    }

    private static double expertSeconds(
            ModelSpec spec, ProbeModel model, Kernels kernels, long nanos) {
        int layer = 0;
        while (!spec.moeLayers()[layer]) {
            layer++;
        }
        int[] row = {0};
        List<Double> seconds = new ArrayList<>();
        long start = System.nanoTime();
        while (seconds.size() < LEAST_EXPERTS || System.nanoTime() - start < nanos) {
            ExpertWeights expert =
                    model.weights().expert(new ExpertId(layer, seconds.size() % spec.experts()));
            long before = System.nanoTime();
            kernels.feedForward(
                    expert.gate(),
                    expert.up(),
                    expert.down(),
                    model.scratch().normed(),
                    row,
                    row,
                    1,
                    model.scratch().partial());
            seconds.add((System.nanoTime() - before) / NANOS);
        }
        return Spread.of(seconds.stream().mapToDouble(Double::doubleValue).toArray()).median();
    }

    /** A loader that has nothing to do. */
    private static final class AtOnce implements ExpertLoader {

        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void promote(ExpertId id) {}
    }
}
