package io.greenroom.offload.store;

import com.sun.nio.file.ExtendedOpenOption;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.memory.SlotArena;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One open file, read by position straight into native memory; around the page cache (O_DIRECT)
 * where the file system allows it, so that resident experts are not held twice. Safe for several
 * threads, none of which may be interrupted while reading: Java closes the channel then.
 *
 * <p>The file is opened once. Deleted or replaced later, it is still read; cut short, reads beyond
 * its new end fail.
 */
final class PositionalFile implements Closeable {

    private static final int BLOCK = SlotArena.ALIGNMENT;

    /** A multiple of the block, and an int. */
    private static final int LARGEST_READ = 1 << 30;

    private final Path file;
    private final FileChannel channel;
    private final @Nullable String whyBuffered;

    private PositionalFile(Path file, FileChannel channel, @Nullable String whyBuffered) {
        this.file = file;
        this.channel = channel;
        this.whyBuffered = whyBuffered;
    }

    /**
     * @param direct whether to go around the page cache if possible
     */
    static PositionalFile open(Path file, boolean direct) throws IOException {
        String why = "switched off";
        if (direct) {
            FileChannel channel = null;
            try {
                channel =
                        FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT);
                // Some file systems accept the flag and refuse the read, others have larger blocks.
                ByteBuffer block =
                        ByteBuffer.allocateDirect(2 * BLOCK).alignedSlice(BLOCK).limit(BLOCK);
                if (channel.read(block, 0) >= 0) {
                    FileChannel opened = channel;
                    channel = null;
                    return new PositionalFile(file, opened, null);
                }
                why = "the file is empty";
            } catch (IOException | UnsupportedOperationException e) {
                why = String.valueOf(e.getMessage());
            } finally {
                if (channel != null) {
                    channel.close();
                }
            }
        }
        return new PositionalFile(file, FileChannel.open(file, StandardOpenOption.READ), why);
    }

    /** Why the page cache is used; empty if it is not. */
    Optional<String> whyBuffered() {
        return Optional.ofNullable(whyBuffered);
    }

    /**
     * Fills memory from the file. Reading around the page cache may also overwrite what lies
     * between the range and the block borders before and after it.
     *
     * @param offset first byte in the file
     * @param bytes how many
     * @param at where the first byte goes; equals {@code offset} modulo 4096
     * @throws IOException naming file, offset, wanted and got if the file has become shorter
     */
    void read(long offset, long bytes, NativeMemory memory, long at) throws IOException {
        if (whyBuffered != null) {
            read(offset, bytes, bytes, 1, memory, at);
            return;
        }
        int lead = (int) (offset % BLOCK);
        if (at % BLOCK != lead) {
            throw new IllegalArgumentException(
                    "Byte " + offset + " of " + file + " cannot be read to " + at);
        }
        long needed = lead + bytes;
        long whole = (needed + BLOCK - 1) / BLOCK * BLOCK;
        read(offset - lead, needed, whole, BLOCK, memory, at - lead);
    }

    /** Reads {@code whole} bytes of which only the first {@code needed} must be there. */
    private void read(long offset, long needed, long whole, int unit, NativeMemory memory, long at)
            throws IOException {
        long done = 0;
        while (done < needed) {
            int chunk = (int) Math.min(whole - done, LARGEST_READ);
            int read;
            try {
                read = channel.read(memory.buffer(at + done, chunk), offset + done);
            } catch (IOException e) {
                throw new IOException(
                        file
                                + ": reading "
                                + chunk
                                + " bytes at byte "
                                + (offset + done)
                                + ": "
                                + e,
                        e);
            }
            done += Math.max(read, 0);
            // a direct read that is no whole number of blocks has met the end of the file
            if (done < needed && (read <= 0 || done % unit != 0)) {
                throw new IOException(
                        file
                                + ": wanted "
                                + needed
                                + " bytes at byte "
                                + offset
                                + ", got "
                                + done
                                + "; the file was cut short to "
                                + channel.size()
                                + " bytes since the model was loaded");
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
