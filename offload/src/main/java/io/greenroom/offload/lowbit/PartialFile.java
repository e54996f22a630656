package io.greenroom.offload.lowbit;

import io.greenroom.cache.ByteSize;
import io.greenroom.offload.store.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * A file of copies on its way. Its header counts a layer only when the layer's records are on the
 * disk, so whatever interrupts it, the layers it counts are there. Used by one thread.
 */
final class PartialFile implements AutoCloseable {

    private final Path partial;
    private final FileChannel channel;
    private LowBitHeader header;

    private PartialFile(Path partial, FileChannel channel, LowBitHeader header) {
        this.partial = partial;
        this.channel = channel;
        this.header = header;
    }

    /**
     * Opens what an earlier call left of the same copies, or begins anew.
     *
     * @param file name of the finished file
     * @param fresh header to begin with
     * @throws CheckpointException if another process works on it, or the disk is too full
     */
    static PartialFile open(Path file, LowBitHeader fresh) throws IOException {
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        FileChannel channel =
                FileChannel.open(
                        partial,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        try {
            lock(partial, channel);
            PartialFile opened = new PartialFile(partial, channel, fresh);
            opened.resume();
            opened.checkSpace();
            return opened;
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            throw e;
        }
    }

    private static void lock(Path partial, FileChannel channel) throws IOException {
        boolean locked;
        try {
            locked = channel.tryLock() != null; // until the channel is closed
        } catch (OverlappingFileLockException e) {
            locked = false;
        }
        if (!locked) {
            throw new CheckpointException(partial, "another greenroom pack is writing it");
        }
    }

    /** Takes over the layers that are there and whole. */
    private void resume() throws IOException {
        LowBitHeader there;
        try {
            LowBitShape shape = header.shape();
            there = LowBitFile.readHeader(partial, shape.spec(), header.fingerprint());
            if (there.shape().type() != shape.type()) {
                channel.truncate(0);
                return;
            }
        } catch (CheckpointException e) { // of another model, or new
            channel.truncate(0);
            return;
        }
        int experts = header.shape().spec().experts();
        int whole = 0;
        while (whole < there.layersDone() && isWhole(there, whole * experts, experts)) {
            whole++;
        }
        for (int layer = 0; layer < whole; layer++) {
            header.errors()[layer] = there.errors()[layer];
            System.arraycopy(
                    there.checksums(),
                    layer * experts,
                    header.checksums(),
                    layer * experts,
                    experts);
        }
        header = header.withLayersDone(whole);
    }

    private boolean isWhole(LowBitHeader there, int first, int count) throws IOException {
        LowBitShape shape = there.shape();
        ByteBuffer copy = ByteBuffer.allocate(Math.toIntExact(shape.recordBytes()));
        for (int i = first; i < first + count; i++) {
            copy.clear();
            while (copy.hasRemaining()) {
                if (channel.read(copy, shape.offset(i) + copy.position()) < 0) {
                    return false;
                }
            }
            CRC32C crc = new CRC32C();
            crc.update(copy.flip());
            if ((int) crc.getValue() != there.checksums()[i]) {
                return false;
            }
        }
        return true;
    }

    private void checkSpace() throws IOException {
        long wanted = header.shape().fileBytes() - channel.size();
        long usable = Files.getFileStore(partial).getUsableSpace();
        if (wanted > usable) {
            throw new CheckpointException(
                    partial,
                    "needs "
                            + new ByteSize(wanted)
                            + " more, but the file system has "
                            + new ByteSize(usable)
                            + " left");
        }
    }

    LowBitHeader header() {
        return header;
    }

    /** Writes a record. */
    void write(int index, byte[] copy, int checksum) throws IOException {
        writeFully(ByteBuffer.wrap(copy), header.shape().offset(index));
        header.checksums()[index] = checksum;
    }

    /** Counts a layer whose records were written. */
    void layerDone(int moeIndex, float[] errors) throws IOException {
        System.arraycopy(errors, 0, header.errors()[moeIndex], 0, errors.length);
        channel.force(false);
        header = header.withLayersDone(moeIndex + 1);
        writeFully(header.encode(), 0);
        channel.force(false);
    }

    /** Gives the file its length and its name. */
    void finish(Path file) throws IOException {
        LowBitShape shape = header.shape();
        long end = shape.fileBytes();
        if (channel.size() < end) { // the gap after the last record
            writeFully(ByteBuffer.allocate(1), end - 1);
        }
        channel.truncate(end);
        channel.force(true);
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private void writeFully(ByteBuffer bytes, long at) throws IOException {
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    /** Leaves what is done to a later call. */
    @Override
    public void close() throws IOException {
        channel.close();
        if (header.layersDone() == 0) {
            Files.deleteIfExists(partial);
        }
    }
}
