package io.greenroom.offload.decoder;

import io.greenroom.cache.SharedBudget;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.memory.ContainerMemory;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.DenseLoader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Loads models. */
public final class MoeModels {

    /** A disk that needs longer for one expert is as good as gone. */
    private static final Duration LOAD_TIMEOUT = Duration.ofSeconds(60);

    private MoeModels() {}

    /**
     * Opens and loads a checkpoint.
     *
     * @param location a GGUF file, a folder with one, or a Hugging Face folder
     * @param progress told how far the reading of dense weights has come, on the calling thread
     * @throws io.greenroom.offload.store.CheckpointException if the checkpoint is damaged or not
     *     supported
     * @throws IOException if it cannot be read
     * @throws io.greenroom.offload.store.InsufficientBudgetException if the budget is below what
     *     one token needs; the message says the smallest that works
     * @throws IllegalArgumentException if the context is longer than the model's own
     * @throws io.greenroom.offload.memory.NativeMemoryException if the system refuses the memory
     */
    public static ServingModel load(
            Path location, ModelOptions options, DenseLoader.Progress progress) throws IOException {
        return load(Checkpoints.open(location), options, null, progress);
    }

    /**
     * Loads an opened checkpoint; as {@link #load(Path, ModelOptions, DenseLoader.Progress)}.
     *
     * @param total budget over all models, of which this one's experts take their share, or null
     * @throws io.greenroom.cache.BudgetExceededException if the floors of all do not fit into it
     */
    public static ServingModel load(
            Checkpoint checkpoint,
            ModelOptions options,
            @Nullable SharedBudget total,
            DenseLoader.Progress progress)
            throws IOException {
        return loader(total).load(checkpoint, options, progress);
    }

    /**
     * Loads an opened checkpoint under the eyes of a study; as {@link #load(Path, ModelOptions,
     * DenseLoader.Progress)}.
     *
     * @param study made for this model, not used before
     */
    public static ServingModel loadWatched(
            Checkpoint checkpoint,
            ModelOptions options,
            PredictionStudy study,
            DenseLoader.Progress progress)
            throws IOException {
        return loader(null).load(checkpoint, options, study, progress);
    }

    private static ModelLoader loader(@Nullable SharedBudget total) {
        return new ModelLoader(
                new NativeAllocator(),
                NativeKernels::new,
                UnaryOperator.identity(),
                MoeModels::availableBytes,
                LOAD_TIMEOUT,
                total == null ? SharedBudget.unlimited() : total);
    }

    /** The kernels that a model with these options computes with; an owner closes them. */
    static Kernels kernels(ModelOptions options) {
        int threads = options.threads() == 0 ? PhysicalCores.available() : options.threads();
        return new NativeKernels(threads, options.activations());
    }

    /**
     * What the container leaves, less what the Java heap may still grow by, less a sixteenth for
     * threads, buffers and code that nobody accounts for.
     */
    private static long availableBytes() {
        Runtime runtime = Runtime.getRuntime();
        long heapGrowth = runtime.maxMemory() - runtime.totalMemory();
        long available = new ContainerMemory().available().bytes();
        return Math.max(0, available - available / 16 - heapGrowth);
    }
}
