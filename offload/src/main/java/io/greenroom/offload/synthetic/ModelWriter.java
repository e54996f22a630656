package io.greenroom.offload.synthetic;

import io.greenroom.cache.ByteSize;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes synthetic models as GGUF files of any size, with about a MiB of memory per thread. Every
 * row of every tensor has a random stream of its own, so the bytes depend on the recipe alone, not
 * on threads or order.
 */
public final class ModelWriter {

    /** Told how far the writing has come, by any of its threads. */
    @FunctionalInterface
    public interface Progress {
        void written(long bytes, long total);
    }

    private static final int CHUNK_BYTES = 1 << 20;

    /** A file system that is filled to the last byte serves nobody. */
    private static final long SPARE_BYTES = 64L << 20;

    private ModelWriter() {}

    /** Bytes of the file a recipe makes. */
    public static long bytes(Recipe recipe) {
        GgufLayout layout = new SyntheticModel(recipe).layout();
        return layout.header().length + layout.dataBytes();
    }

    /**
     * Writes a model. The file appears under its name only when it is whole.
     *
     * @param threads that draw and write
     * @return bytes of the file
     * @throws FileAlreadyExistsException if there is something at {@code file}
     * @throws IOException if it does not fit on the disk, or cannot be written
     */
    public static long write(Recipe recipe, Path file, int threads, Progress progress)
            throws IOException {
        SyntheticModel model = new SyntheticModel(recipe);
        GgufLayout layout = model.layout();
        long total = layout.header().length + layout.dataBytes();
        requireRoom(file, total);
        Path part = create(file);
        try {
            fill(part, recipe, model, layout, threads, progress);
            Files.move(part, file);
        } catch (IOException | RuntimeException | Error e) {
            try {
                Files.deleteIfExists(part);
            } catch (IOException notDeleted) {
                e.addSuppressed(notDeleted);
            }
            throw e;
        }
        return total;
    }

    private static Path create(Path file) throws IOException {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            Files.createFile(part);
        } catch (FileAlreadyExistsException e) {
            throw new IOException(
                    part + " is there already, from a run that goes on or was cut off; remove it",
                    e);
        }
        part.toFile().deleteOnExit(); // nothing to delete once it has its name
        return part;
    }

    private static void fill(
            Path part,
            Recipe recipe,
            SyntheticModel model,
            GgufLayout layout,
            int threads,
            Progress progress)
            throws IOException {
        byte[] header = layout.header();
        long total = header.length + layout.dataBytes();
        try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
            writeFully(channel, ByteBuffer.wrap(header), 0);
            // The last tensor's padding, if any: nobody writes it.
            writeFully(channel, ByteBuffer.allocate(1), total - 1);
            new Job(recipe, model, layout, header.length, total, channel, progress).run(threads);
            channel.force(false);
        }
    }

    private static void requireRoom(Path file, long bytes) throws IOException {
        if (Files.exists(file)) {
            throw new FileAlreadyExistsException(
                    file + " exists already; it is not overwritten, remove it or name another");
        }
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new NoSuchFileException("There is no folder " + folder + " to write into");
        }
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < bytes + SPARE_BYTES) {
            throw new IOException(
                    file
                            + " takes "
                            + new ByteSize(bytes)
                            + ", but only "
                            + new ByteSize(free)
                            + " are free in "
                            + folder
                            + "; make room, name another place, or make a smaller model");
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes, long at)
            throws IOException {
        long position = at;
        while (bytes.hasRemaining()) {
            position += channel.write(bytes, position);
        }
    }

    /** Chunks of whole rows, numbered through all tensors, handed out one by one. */
    private static final class Job {

        private final Recipe recipe;
        private final List<SyntheticTensor> tensors;
        private final GgufLayout layout;
        private final long headerBytes;
        private final long total;
        private final FileChannel channel;
        private final Progress progress;
        private final long[] firstChunk; // [tensors + 1]
        private final AtomicLong next = new AtomicLong();
        private final AtomicLong written = new AtomicLong();

        Job(
                Recipe recipe,
                SyntheticModel model,
                GgufLayout layout,
                long headerBytes,
                long total,
                FileChannel channel,
                Progress progress) {
            this.recipe = recipe;
            this.tensors = model.tensors();
            this.layout = layout;
            this.headerBytes = headerBytes;
            this.total = total;
            this.channel = channel;
            this.progress = progress;
            this.firstChunk = new long[tensors.size() + 1];
            for (int i = 0; i < tensors.size(); i++) {
                long rows = rowsPerChunk(tensors.get(i));
                firstChunk[i + 1] = firstChunk[i] + (tensors.get(i).rows() + rows - 1) / rows;
            }
        }

        private static long rowsPerChunk(SyntheticTensor tensor) {
            return Math.max(1, CHUNK_BYTES / tensor.rowBytes());
        }

        void run(int threads) throws IOException {
            ExecutorService pool = Executors.newFixedThreadPool(threads);
            try {
                List<Future<?>> workers = new ArrayList<>();
                for (int i = 0; i < threads; i++) {
                    workers.add(
                            pool.submit(
                                    () -> {
                                        work();
                                        return null;
                                    }));
                }
                for (Future<?> worker : workers) {
                    worker.get();
                }
            } catch (ExecutionException e) {
                next.set(Long.MAX_VALUE / 2); // the others need not go on
                if (e.getCause() instanceof IOException failed) {
                    throw failed;
                }
                throw new IllegalStateException("Drawing weights failed", e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                InterruptedIOException stopped =
                        new InterruptedIOException("Interrupted while writing a model");
                stopped.initCause(e);
                throw stopped;
            } finally {
                pool.shutdownNow();
            }
        }

        private void work() throws IOException {
            ByteBuffer buffer = ByteBuffer.allocateDirect(0);
            int tensor = 0;
            for (long chunk = next.getAndIncrement();
                    chunk < firstChunk[tensors.size()];
                    chunk = next.getAndIncrement()) {
                while (firstChunk[tensor + 1] <= chunk) {
                    tensor++;
                }
                SyntheticTensor current = tensors.get(tensor);
                long rows = rowsPerChunk(current);
                int bytes = Math.toIntExact(rows * current.rowBytes());
                if (buffer.capacity() < bytes) {
                    buffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
                }
                long from = (chunk - firstChunk[tensor]) * rows;
                long to = Math.min(current.rows(), from + rows);
                draw(current, from, to, buffer.clear());
                write(buffer.flip(), layout.offset(tensor) + from * current.rowBytes());
            }
        }

        private void draw(SyntheticTensor tensor, long from, long to, ByteBuffer into) {
            long seed = SplitMix.seedOf(recipe.seed(), tensor.name());
            SplitMix random = new SplitMix(seed);
            for (long row = from; row < to; row++) {
                tensor.fill().fill(row, random.reseed(seed, row), into);
            }
        }

        private void write(ByteBuffer bytes, long offset) throws IOException {
            int length = bytes.remaining();
            try {
                writeFully(channel, bytes, headerBytes + offset);
            } catch (ClosedByInterruptException e) {
                InterruptedIOException stopped = new InterruptedIOException("Writing was stopped");
                stopped.initCause(e);
                throw stopped;
            }
            progress.written(headerBytes + written.addAndGet(length), total);
        }
    }
}
