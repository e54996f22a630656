package io.greenroom.cache.trace;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Writes a trace, chunk by chunk. Whatever ends the process, what was written before is readable.
 * The file never grows beyond its limit: the chunk that would is left out, and the trace is over.
 *
 * <p>Not thread-safe. The layout is in {@code TraceFormat}, the reasons in ADR 12.
 */
public final class RoutingTraceWriter implements Closeable {

    /** Large enough to pack well, small enough to lose. */
    private static final long CHUNK_BYTES = 256 << 10;

    private static final int CHUNK_STEPS = 4096;

    private final Path file;
    private final FileChannel channel;
    private final ChunkEncoder chunk;
    private final StepCheck check;
    private final long limit;
    private long bytes;
    private long steps;
    private long rows;
    private boolean full;

    private RoutingTraceWriter(Path file, FileChannel channel, TraceHeader header, long limit) {
        this.file = file;
        this.channel = channel;
        this.chunk = new ChunkEncoder(header);
        this.check = new StepCheck(header);
        this.limit = limit;
    }

    /**
     * Begins a trace.
     *
     * @param file a new file, or an empty one
     * @param limit most bytes of the file
     * @throws FileAlreadyExistsException if the file holds something, or somebody else is writing
     *     it
     * @throws IOException if it cannot be written
     * @throws IllegalArgumentException if not even the header stays within the limit
     */
    public static RoutingTraceWriter create(Path file, TraceHeader header, long limit)
            throws IOException {
        byte[] encoded = HeaderCodec.encode(header);
        if (encoded.length + TraceFormat.END_BYTES > limit) {
            throw new IllegalArgumentException(
                    "A trace of this model takes at least "
                            + (encoded.length + TraceFormat.END_BYTES)
                            + " bytes, the limit is "
                            + limit);
        }
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new FileAlreadyExistsException(file.toString(), null, "it is not a regular file");
        }
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            // Of two that find the same empty file, one goes on.
            if (!isLocked(channel) || channel.size() > 0) {
                throw new FileAlreadyExistsException(
                        file.toString(),
                        null,
                        "it holds something already, and a trace overwrites nothing: name another"
                                + " file, or move that one away");
            }
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            throw e;
        }
        RoutingTraceWriter writer = new RoutingTraceWriter(file, channel, header, limit);
        try {
            writer.put(encoded, encoded.length);
        } catch (IOException | RuntimeException | Error e) {
            writer.chunk.close();
            channel.close();
            throw e;
        }
        return writer;
    }

    private static boolean isLocked(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false; // somebody else in this JVM
        }
    }

    /** The file. */
    public Path file() {
        return file;
    }

    /** Bytes in the file so far. */
    public long bytes() {
        return bytes;
    }

    /** Steps written or about to be, without those that no longer fitted. */
    public long steps() {
        return steps + chunk.steps();
    }

    /** Whether the file has reached its limit; further steps are not written. */
    public boolean isFull() {
        return full;
    }

    /**
     * Adds a step.
     *
     * @return false if the file is full
     * @throws IllegalArgumentException if it does not fit the header
     */
    public boolean write(TraceStep step) throws IOException {
        if (full) {
            return false;
        }
        check.check(step);
        if (chunk.rawBytesOf(step) > TraceFormat.MAX_PART) {
            throw new IllegalArgumentException(
                    "A step of "
                            + step.rows()
                            + " rows takes "
                            + chunk.rawBytesOf(step)
                            + " bytes, the most are "
                            + TraceFormat.MAX_PART);
        }
        if (!chunk.isEmpty() && chunk.rawBytes() + chunk.rawBytesOf(step) > TraceFormat.MAX_PART) {
            flush();
        }
        chunk.add(step);
        if (chunk.rawBytes() >= CHUNK_BYTES || chunk.steps() >= CHUNK_STEPS) {
            flush();
        }
        return !full;
    }

    /** Writes the steps collected so far as a chunk, so that they can be read. */
    public void flush() throws IOException {
        if (chunk.isEmpty() || full) {
            return;
        }
        int newSteps = chunk.steps();
        int newRows = chunk.rows();
        TraceBytes packed = chunk.pack();
        if (bytes + packed.size() + TraceFormat.END_BYTES > limit) {
            full = true;
            return;
        }
        put(packed.array(), packed.size());
        steps += newSteps;
        rows += newRows;
    }

    /** All of it or nothing: a full disk must leave whole chunks. */
    private void put(byte[] from, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(from, 0, count);
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer, bytes + buffer.position());
            }
            bytes += count;
        } catch (IOException e) {
            try {
                channel.truncate(bytes);
            } catch (IOException notCut) {
                e.addSuppressed(notCut);
            }
            throw e;
        }
    }

    /** Ends the trace as {@link #close(long)} with nothing dropped. */
    @Override
    public void close() throws IOException {
        close(0);
    }

    /**
     * Writes what is left and the end mark; closing twice is harmless.
     *
     * @param dropped steps that somebody before this writer left out
     */
    public void close(long dropped) throws IOException {
        if (!channel.isOpen()) {
            return;
        }
        try (channel;
                chunk) {
            flush();
            TraceBytes end = new TraceBytes();
            end.u32(TraceFormat.END);
            end.u64(steps);
            end.u64(rows);
            end.u64(dropped);
            end.u8(full ? 1 : 0);
            end.u32(HeaderCodec.crc(end.array(), end.size()));
            put(end.array(), end.size());
        }
    }
}
