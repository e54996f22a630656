package io.greenroom.offload.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Reads the untrusted header of a checkpoint file, little-endian, through one small buffer. No
 * length found in the file is trusted: it is compared with the bytes that are left before anything
 * is allocated for it, so damage can cost at most memory in proportion to the file.
 */
final class HeaderReader implements AutoCloseable {

    private static final int BUFFER_BYTES = 64 * 1024;

    private static final String DAMAGED = "; the file is damaged or was not downloaded completely";

    private final Path file;
    private final FileChannel channel;
    private final long size;
    private final long limit;
    private final ByteBuffer buffer =
            ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN).limit(0);
    private long bufferEnd; // in the file

    private HeaderReader(Path file, FileChannel channel, long size, long limit) {
        this.file = file;
        this.channel = channel;
        this.size = size;
        this.limit = Math.min(size, limit);
    }

    /**
     * @param maxHeaderBytes a header that needs more than these is refused
     */
    static HeaderReader open(Path file, long maxHeaderBytes) throws CheckpointException {
        try {
            if (!Files.isRegularFile(file)) {
                throw new CheckpointException(
                        file, Files.exists(file) ? "not a regular file" : "no such file");
            }
            long size = Files.size(file);
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
            return new HeaderReader(file, channel, size, maxHeaderBytes);
        } catch (CheckpointException e) {
            throw e;
        } catch (IOException e) {
            throw new CheckpointException(file, "cannot be opened: " + e.getMessage(), e);
        }
    }

    long size() {
        return size;
    }

    /** Offset in the file of the next byte to read. */
    long position() {
        return bufferEnd - buffer.remaining();
    }

    /** Bytes that a header may still take. */
    long remaining() {
        return limit - position();
    }

    /**
     * Checks that {@code count} things of at least {@code bytesEach} bytes can follow.
     *
     * @param what plural, as in "metadata keys"
     */
    void requireCount(long count, long bytesEach, String what) throws CheckpointException {
        if (count < 0 || count > remaining() / bytesEach) {
            throw new CheckpointException(
                    file,
                    "declares "
                            + Long.toUnsignedString(count)
                            + " "
                            + what
                            + " at byte "
                            + position()
                            + ", but at most "
                            + remaining() / bytesEach
                            + " fit "
                            + bound()
                            + DAMAGED);
        }
    }

    int u8(String what) throws CheckpointException {
        require(1, what);
        return Byte.toUnsignedInt(buffer.get());
    }

    int u16(String what) throws CheckpointException {
        require(2, what);
        return Short.toUnsignedInt(buffer.getShort());
    }

    int i32(String what) throws CheckpointException {
        require(4, what);
        return buffer.getInt();
    }

    long i64(String what) throws CheckpointException {
        require(8, what);
        return buffer.getLong();
    }

    float f32(String what) throws CheckpointException {
        require(4, what);
        return buffer.getFloat();
    }

    double f64(String what) throws CheckpointException {
        require(8, what);
        return buffer.getDouble();
    }

    /** A string with a 64-bit length before it. */
    String string(String what) throws CheckpointException {
        byte[] bytes = new byte[Math.toIntExact(stringLength(what))];
        for (int done = 0; done < bytes.length; ) {
            int chunk = Math.min(bytes.length - done, BUFFER_BYTES);
            require(chunk, what);
            buffer.get(bytes, done, chunk);
            done += chunk;
        }
        return bytes.length == 0 ? "" : new String(bytes, StandardCharsets.UTF_8);
    }

    /** Reads past a string. */
    void skipString(String what) throws CheckpointException {
        skip(stringLength(what), what);
    }

    void skip(long bytes, String what) throws CheckpointException {
        if (bytes < 0 || bytes > remaining()) {
            throw truncated(bytes, what);
        }
        int buffered = (int) Math.min(bytes, buffer.remaining());
        buffer.position(buffer.position() + buffered);
        bufferEnd += bytes - buffered;
    }

    /** The next {@code bytes} bytes as a stream; the caller has checked that they are there. */
    InputStream stream(long bytes, String what) {
        return new InputStream() {
            private long left = bytes;

            @Override
            public int read() throws IOException {
                if (left == 0) {
                    return -1;
                }
                left--;
                return u8(what);
            }

            @Override
            public int read(byte[] into, int offset, int length) throws IOException {
                if (length == 0 || left == 0) {
                    return length == 0 ? 0 : -1;
                }
                int chunk = (int) Math.min(Math.min(length, left), BUFFER_BYTES);
                require(chunk, what);
                buffer.get(into, offset, chunk);
                left -= chunk;
                return chunk;
            }
        };
    }

    private long stringLength(String what) throws CheckpointException {
        long length = i64(what);
        if (length < 0 || length > remaining() || length > Integer.MAX_VALUE - 8) {
            throw truncated(length, what);
        }
        return length;
    }

    /** Makes at least {@code bytes} (at most the buffer's size) available in the buffer. */
    private void require(int bytes, String what) throws CheckpointException {
        if (buffer.remaining() >= bytes) {
            return;
        }
        if (bytes > remaining()) {
            throw truncated(bytes, what);
        }
        buffer.compact();
        try {
            while (buffer.position() < bytes) {
                int read = channel.read(buffer, bufferEnd);
                if (read < 0) {
                    buffer.flip();
                    throw truncated(bytes, what);
                }
                bufferEnd += read;
            }
        } catch (CheckpointException e) {
            throw e;
        } catch (IOException e) {
            throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
        }
        buffer.flip();
    }

    private CheckpointException truncated(long wanted, String what) {
        return new CheckpointException(
                file,
                what
                        + " at byte "
                        + position()
                        + " needs "
                        + Long.toUnsignedString(wanted)
                        + " bytes, but only "
                        + remaining()
                        + " are left "
                        + bound()
                        + DAMAGED);
    }

    private String bound() {
        return limit < size
                ? "of the " + limit + " bytes a header may have"
                : "in the file of " + size + " bytes";
    }

    @Override
    public void close() throws CheckpointException {
        try {
            channel.close();
        } catch (IOException e) {
            throw new CheckpointException(file, "cannot be closed: " + e.getMessage(), e);
        }
    }
}
