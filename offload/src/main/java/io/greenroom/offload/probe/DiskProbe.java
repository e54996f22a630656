package io.greenroom.offload.probe;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.LoadPriority;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ExpertReader;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * How fast a model's experts come from its files, measured by reading experts drawn by chance with
 * the reader that serves the model: the same requests, around the page cache where that is
 * possible.
 *
 * @param oneSeconds from the request of one expert until it is there, nothing else being read
 * @param groupSeconds the same for as many experts as a token visits in a layer, until the last is
 *     there
 * @param group how many those are
 * @param expertBytes of one expert, on average
 * @param bytes read in all
 * @param whyBuffered why the page cache was used, in which case nothing is known of the disk; empty
 *     if it was not
 */
public record DiskProbe(
        Spread oneSeconds,
        Spread groupSeconds,
        int group,
        double expertBytes,
        long bytes,
        Optional<String> whyBuffered) {

    private static final double NANOS = 1e9;

    /** Fewer rounds than these have no spread. */
    private static final int LEAST_ROUNDS = 5;

    private static final int MOST_ROUNDS = 400;

    /**
     * Reads for a while.
     *
     * @param direct whether to read around the page cache where the file system allows
     * @param nanos about how long; longer where the disk is so slow that the fewest reads take more
     * @param seed of what is read
     * @throws IOException if a file cannot be read
     */
    public static DiskProbe of(Checkpoint checkpoint, boolean direct, long nanos, long seed)
            throws IOException {
        return of(checkpoint, direct, nanos, seed, System::nanoTime);
    }

    static DiskProbe of(
            Checkpoint checkpoint, boolean direct, long nanos, long seed, LongSupplier clock)
            throws IOException {
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        int group = checkpoint.spec().expertsPerToken();
        try (SlotArena arena =
                        SlotArena.allocate(new NativeAllocator(), layout.slotBytes(), group);
                ExpertReader reader =
                        ExpertReader.open(layout, arena, direct, ExpertReader.DEFAULT_LANES)) {
            Rounds rounds = new Rounds(reader, experts(checkpoint.spec()), new Random(seed), clock);
            Spread one = rounds.run(1, nanos / 2);
            Spread together = rounds.run(group, nanos / 2);
            double mean = (double) reader.bytesRead() / rounds.experts;
            return new DiskProbe(
                    one, together, group, mean, reader.bytesRead(), reader.whyBuffered());
        }
    }

    /** Bytes per second of an expert that is read besides others. */
    public double bytesPerSecond() {
        double more = groupSeconds.median() - oneSeconds.median();
        return group > 1 && more > 0
                ? (group - 1) * expertBytes / more
                : group * expertBytes / groupSeconds.median();
    }

    private static List<ExpertId> experts(ModelSpec spec) {
        return IntStream.range(0, spec.layers())
                .filter(layer -> spec.moeLayers()[layer])
                .boxed()
                .flatMap(
                        layer ->
                                IntStream.range(0, spec.experts())
                                        .mapToObj(expert -> new ExpertId(layer, expert)))
                .toList();
    }

    /** Reads distinct experts together, again and again. */
    private static final class Rounds {

        private final ExpertReader reader;
        private final List<ExpertId> all;
        private final Random random;
        private final LongSupplier clock;
        private long experts;

        Rounds(ExpertReader reader, List<ExpertId> all, Random random, LongSupplier clock) {
            this.reader = reader;
            this.all = all;
            this.random = random;
            this.clock = clock;
        }

        Spread run(int together, long nanos) throws IOException {
            List<Double> seconds = new ArrayList<>();
            long start = clock.getAsLong();
            while (seconds.size() < LEAST_ROUNDS
                    || (seconds.size() < MOST_ROUNDS && clock.getAsLong() - start < nanos)) {
                seconds.add(round(together) / NANOS);
            }
            return Spread.of(seconds.stream().mapToDouble(Double::doubleValue).toArray());
        }

        private long round(int together) throws IOException {
            ExpertId[] drawn =
                    random.ints(0, all.size())
                            .distinct()
                            .limit(Math.min(together, all.size()))
                            .mapToObj(all::get)
                            .toArray(ExpertId[]::new);
            long start = clock.getAsLong();
            List<CompletableFuture<Void>> reads = new ArrayList<>();
            for (int slot = 0; slot < drawn.length; slot++) {
                reads.add(reader.load(drawn[slot], slot, LoadPriority.DEMAND));
            }
            try {
                CompletableFuture.allOf(reads.toArray(CompletableFuture[]::new)).join();
            } catch (CompletionException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                throw new IOException("The disk could not be measured: " + cause.getMessage(), e);
            }
            experts += drawn.length;
            return clock.getAsLong() - start;
        }
    }
}
