package io.greenroom.offload.lowbit;

import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.ExpertSource;
import io.greenroom.offload.store.ExpertSpans;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.TensorSpan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file of low-bit copies of a model's experts (see {@link LowBitHeader} for its format). Where
 * the model's experts lie in the checkpoint, these lie here, and are read in the same way. Files
 * are untrusted. Immutable and thread-safe.
 */
public final class LowBitFile implements ExpertSource {

    private final Path file;
    private final LowBitHeader header;

    private LowBitFile(Path file, LowBitHeader header) {
        this.file = file;
        this.header = header;
    }

    /**
     * Reads and checks the header; records are checked when they are read.
     *
     * @param spec of the model
     * @param fingerprint of the model's checkpoint
     * @throws CheckpointException if the file is not there, damaged, unfinished, or of another
     *     model; says what to do about it
     */
    public static LowBitFile open(Path file, ModelSpec spec, String fingerprint)
            throws CheckpointException {
        if (!Files.isRegularFile(file)) {
            throw new CheckpointException(
                    file,
                    "there is no such file of low-bit copies; make it with greenroom pack"
                            + " --low-bit q4_0 MODEL --out "
                            + file);
        }
        LowBitHeader header = readHeader(file, spec, fingerprint);
        if (!header.isComplete()) {
            throw new CheckpointException(
                    file,
                    "is unfinished: "
                            + header.layersDone()
                            + " of "
                            + header.shape().moeLayers()
                            + " layers are done; the same greenroom pack command goes on with it");
        }
        long expected = header.shape().fileBytes();
        long actual = size(file);
        if (actual != expected) {
            throw new CheckpointException(
                    file,
                    "has "
                            + actual
                            + " bytes, expected "
                            + expected
                            + "; make the copies again with greenroom pack");
        }
        return new LowBitFile(file, header);
    }

    /** Reads and checks a header, of a finished file or not. */
    static LowBitHeader readHeader(Path file, ModelSpec spec, String fingerprint)
            throws CheckpointException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            LowBitType type = LowBitHeader.typeOf(file, read(channel, 64));
            LowBitShape shape = new LowBitShape(type, spec);
            int length = Math.toIntExact(LowBitHeader.bytes(shape));
            return LowBitHeader.decode(file, read(channel, length), shape, fingerprint);
        } catch (CheckpointException e) {
            throw e;
        } catch (IOException e) {
            throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file, String.valueOf(e.getMessage()), e);
        }
    }

    /** The file's first bytes, fewer if it is shorter. */
    private static ByteBuffer read(FileChannel channel, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        int read = 0;
        while (buffer.hasRemaining() && read >= 0) {
            read = channel.read(buffer, buffer.position());
        }
        return buffer.flip();
    }

    private static long size(Path file) throws CheckpointException {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public Path location() {
        return file;
    }

    @Override
    public ModelSpec spec() {
        return header.shape().spec();
    }

    public LowBitType type() {
        return header.shape().type();
    }

    /** Bytes of one copy. */
    public long copyBytes() {
        return header.shape().recordBytes();
    }

    /** CRC32C of an expert's copy. */
    int checksum(ExpertId id) {
        return header.checksums()[header.shape().index(id)];
    }

    @Override
    public ExpertSpans expert(ExpertId id) {
        LowBitShape shape = header.shape();
        long at = shape.offset(shape.index(id));
        int hidden = shape.spec().hidden();
        int inner = shape.spec().expertHidden();
        long matrix = shape.matrixBytes();
        return new ExpertSpans(
                span("gate", id, at, inner, hidden),
                span("up", id, at + matrix, inner, hidden),
                span("down", id, at + 2 * matrix, hidden, inner));
    }

    private TensorSpan span(String what, ExpertId id, long offset, int rows, int cols) {
        TensorType type = type().tensorType();
        long bytes = header.shape().matrixBytes();
        return new TensorSpan(id + " " + what, file, offset, bytes, type, rows, cols);
    }

    @Override
    public String toString() {
        return type().tensorType() + " copies in " + file;
    }
}
