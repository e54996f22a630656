package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.probe.Spread;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ExpertReader;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.io.InterruptedIOException;

/**
 * How long a token takes when every expert it needs must be read: the model's own decoder over
 * made-up weights, with experts read from the checkpoint by the model's own reader and dropped
 * after each layer. What this takes beyond computing and reading as probed one by one is what going
 * to sleep and waking up costs, and what reads take from the cores; no sum of the parts shows that.
 *
 * @param tokenSeconds of one token of one request
 * @param bytesPerToken read for it
 */
public record MissProbe(Spread tokenSeconds, long bytesPerToken) {

    /**
     * Decodes for a while.
     *
     * @param nanos about how long; longer where the fewest tokens take more
     * @throws IOException if a file cannot be opened, or the thread was interrupted
     * @throws IllegalStateException if an expert cannot be read
     * @throws io.greenroom.offload.memory.NativeMemoryException if the system refuses the memory
     */
    public static MissProbe of(Checkpoint checkpoint, ModelOptions options, long nanos)
            throws IOException {
        try (ResourceStack resources = new ResourceStack()) {
            Kernels kernels = MoeModels.kernels(options);
            if (kernels instanceof AutoCloseable closeable) {
                resources.push(closeable);
            }
            return run(checkpoint, options, nanos, kernels, resources);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("Interrupted while measuring");
        }
    }

    private static MissProbe run(
            Checkpoint checkpoint,
            ModelOptions options,
            long nanos,
            Kernels kernels,
            ResourceStack resources)
            throws IOException, InterruptedException {
        ModelSpec spec = checkpoint.spec();
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        SlotArena arena =
                resources.push(
                        SlotArena.allocate(
                                new NativeAllocator(), layout.slotBytes(), spec.expertsPerToken()));
        ExpertReader reader =
                resources.push(
                        ExpertReader.open(
                                layout, arena, options.directIo(), ExpertReader.DEFAULT_LANES));
        ExpertCache cache =
                resources.push(
                        ExpertCache.builder(reader)
                                .shape(spec.layers(), spec.experts())
                                .slots(spec.expertsPerToken())
                                .floor(spec.expertsPerToken())
                                .policy(PolicyName.ON_DEMAND, null)
                                .build());
        ProbeModel model =
                new ProbeModel(
                        checkpoint,
                        options,
                        kernels,
                        weights -> new ExpertStage.Experts(cache, reader::weights),
                        resources);
        Spread seconds = model.tokens(nanos);
        return new MissProbe(seconds, reader.bytesRead() / (seconds.count() + model.warmTokens()));
    }
}
