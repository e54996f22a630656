package io.greenroom.cache.trace;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Reads a trace, one chunk in memory at a time. A file that was cut off, or is still being written,
 * gives the steps of its whole chunks, and says so when they are through. Anything else that is
 * wrong with it is a {@link TraceException}.
 *
 * <p>Not thread-safe.
 */
public final class RoutingTraceReader implements Iterator<TraceStep>, Closeable {

    private final Path file;
    private final FileChannel channel;
    private final long size;
    private final TraceHeader header;
    private final ChunkDecoder decoder;
    private final Queue<TraceStep> chunk = new ArrayDeque<>();
    private long at; // where the next chunk begins
    private long steps;
    private long rows;
    private @Nullable TraceEnd end;
    private @Nullable String truncation;

    private RoutingTraceReader(
            Path file, FileChannel channel, long size, TraceHeader header, long at) {
        this.file = file;
        this.channel = channel;
        this.size = size;
        this.header = header;
        this.decoder = new ChunkDecoder(file, header);
        this.at = at;
    }

    /**
     * Opens a file and reads its header.
     *
     * @throws TraceException if it is no trace, of another version, or damaged
     */
    public static RoutingTraceReader open(Path file) {
        FileChannel channel = channel(file);
        try {
            long size = channel.size();
            byte[] preamble = read(file, channel, 0, Math.min(size, TraceFormat.PREAMBLE_BYTES));
            if (preamble.length < TraceFormat.PREAMBLE_BYTES) {
                throw new TraceException(
                        file,
                        "has "
                                + size
                                + " bytes, fewer than the "
                                + TraceFormat.PREAMBLE_BYTES
                                + " every trace begins with");
            }
            int headerBytes = HeaderCodec.headerBytes(file, preamble);
            int begin = TraceFormat.PREAMBLE_BYTES + headerBytes + Integer.BYTES;
            if (begin > size) {
                throw new TraceException(
                        file, "ends at byte " + size + " within its header, which takes " + begin);
            }
            TraceHeader header = HeaderCodec.decode(file, read(file, channel, 0, begin));
            return new RoutingTraceReader(file, channel, size, header, begin);
        } catch (IOException | RuntimeException | Error e) {
            try {
                channel.close();
            } catch (IOException notClosed) {
                e.addSuppressed(notClosed);
            }
            if (e instanceof IOException) {
                throw new TraceException(file, "cannot be read: " + e.getMessage(), e);
            }
            if (e instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e;
        }
    }

    private static FileChannel channel(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new TraceException(
                    file, Files.exists(file) ? "is not a regular file" : "there is no such file");
        }
        try {
            return FileChannel.open(file, StandardOpenOption.READ);
        } catch (IOException e) {
            throw new TraceException(file, "cannot be opened: " + e.getMessage(), e);
        }
    }

    /** What the trace is of. */
    public TraceHeader header() {
        return header;
    }

    /** Bytes of the file. */
    public long size() {
        return size;
    }

    /** Bytes in the file of each part of the chunks read so far, by its name. */
    public Map<String, Long> packedBytes() {
        return Map.copyOf(decoder.packedBytes());
    }

    /** What the recorder said at the end; empty before all steps are read, and in a cut file. */
    public Optional<TraceEnd> end() {
        return Optional.ofNullable(end);
    }

    /** Where and how the file was cut off, once all its steps are read; empty if it was not. */
    public Optional<String> truncation() {
        return Optional.ofNullable(truncation);
    }

    /**
     * Whether there is another step.
     *
     * @throws TraceException if the file is damaged here
     */
    @Override
    public boolean hasNext() {
        while (chunk.isEmpty() && end == null && truncation == null) {
            readChunk();
        }
        return !chunk.isEmpty();
    }

    /**
     * The next step.
     *
     * @throws TraceException if the file is damaged here
     */
    @Override
    public TraceStep next() {
        if (!hasNext()) {
            throw new NoSuchElementException("The trace " + file + " has no more steps");
        }
        return chunk.remove();
    }

    private void readChunk() {
        long left = size - at;
        if (left < Integer.BYTES) {
            truncation = "ends at byte " + size + " without an end mark";
            return;
        }
        try {
            byte[] fields = read(file, channel, at, Math.min(left, TraceFormat.END_BYTES));
            TraceCursor cursor =
                    new TraceCursor(file, "the chunk at byte " + at, fields, 0, fields.length);
            int kind = cursor.u32("kind");
            if (kind == TraceFormat.END) {
                readEnd(cursor, fields, left);
            } else if (kind == TraceFormat.STEPS) {
                readSteps(cursor, left);
            } else {
                throw cursor.bad(
                        "kind", "0x" + Integer.toHexString(kind), "STEP or ENDS, in ASCII");
            }
        } catch (IOException e) {
            throw new TraceException(file, "cannot be read: " + e.getMessage(), e);
        }
    }

    private void readSteps(TraceCursor cursor, long left) throws IOException {
        if (left < TraceFormat.CHUNK_BYTES) {
            cutOff(left, TraceFormat.CHUNK_BYTES);
            return;
        }
        int body = cursor.count("length", Integer.MAX_VALUE - TraceFormat.CHUNK_BYTES - 8);
        int chunkSteps = cursor.count("number of steps", Integer.MAX_VALUE);
        int chunkRows = cursor.count("number of rows", Integer.MAX_VALUE);
        int crc = cursor.u32("checksum");
        if (left - TraceFormat.CHUNK_BYTES < body) {
            cutOff(left, TraceFormat.CHUNK_BYTES + (long) body);
            return;
        }
        byte[] bytes = read(file, channel, at, TraceFormat.CHUNK_BYTES + (long) body);
        String where = "the chunk at byte " + at;
        if (ChunkDecoder.crc(bytes, bytes.length) != crc) {
            throw new TraceException(
                    file, "the checksum of " + where + " is wrong; the file is damaged");
        }
        chunk.addAll(decoder.decode(where, bytes, chunkSteps, chunkRows));
        at += bytes.length;
        steps += chunkSteps;
        rows += chunkRows;
    }

    private void readEnd(TraceCursor cursor, byte[] fields, long left) {
        if (left < TraceFormat.END_BYTES) {
            cutOff(left, TraceFormat.END_BYTES);
            return;
        }
        TraceEnd said =
                new TraceEnd(
                        cursor.u64("steps"),
                        cursor.u64("rows"),
                        cursor.u64("dropped steps"),
                        cursor.u8("limit mark") != 0);
        if (cursor.u32("checksum") != HeaderCodec.crc(fields, TraceFormat.END_BYTES - 4)) {
            throw new TraceException(
                    file,
                    "the checksum of the end mark at byte "
                            + at
                            + " is wrong; the file is damaged");
        }
        if (said.steps() != steps || said.rows() != rows) {
            throw cursor.bad(
                    "number of steps and rows",
                    said.steps() + " and " + said.rows(),
                    steps + " and " + rows + ", as many as the chunks hold");
        }
        if (left > TraceFormat.END_BYTES) {
            throw new TraceException(
                    file,
                    "goes on for "
                            + (left - TraceFormat.END_BYTES)
                            + " bytes after its end mark at byte "
                            + at
                            + ", expected none; the file is damaged");
        }
        end = said;
    }

    private void cutOff(long left, long needed) {
        truncation =
                "ends at byte "
                        + size
                        + " within the chunk at byte "
                        + at
                        + ", of which "
                        + left
                        + " of "
                        + needed
                        + " bytes are there";
    }

    /** Reads bytes that are known to be there. */
    private static byte[] read(Path file, FileChannel channel, long from, long count)
            throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(count));
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, from + buffer.position()) < 0) {
                throw new TraceException(
                        file,
                        "became shorter while it was read: nothing at byte "
                                + (from + buffer.position()));
            }
        }
        return buffer.array();
    }

    @Override
    public void close() {
        decoder.close();
        try {
            channel.close();
        } catch (IOException e) {
            throw new TraceException(file, "cannot be closed: " + e.getMessage(), e);
        }
    }
}
