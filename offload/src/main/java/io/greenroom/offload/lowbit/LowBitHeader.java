package io.greenroom.offload.lowbit;

import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.Untrusted;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The beginning of a file of copies, little-endian:
 *
 * <pre>
 *   8 bytes   "GRLOWBIT"
 *   u32       version, 1
 *   u32       type's number (2 is Q4_0, 1000 is Q2_G32)
 *   u32 x 4   layers, experts per layer, hidden width, expert width
 *   32 bytes  fingerprint of the checkpoint, hexadecimal digits
 *   64 bytes  name of the checkpoint's file, UTF-8, filled up with zeros; for messages
 *   u32       layers done: a file whose making was interrupted has fewer than the model
 *   u8 x L    which of the L layers have experts: 1 or 0
 *   f32 x 3M  relative root mean square error of gate, up, down in each of these M layers
 *   u32 x ME  CRC32C of each record
 *   u32       CRC32C of all above
 * </pre>
 *
 * <p>Records begin at the next multiple of 4096, one for each expert by layer and index, each at a
 * multiple of 4096: the matrices gate {@code [expert width, hidden]}, up, and down {@code [hidden,
 * expert width]}, without gaps.
 *
 * @param shape what the model makes of it
 * @param fingerprint of the checkpoint the copies were made from
 * @param model name of that checkpoint's file
 * @param layersDone layers, of those with experts, whose records are there
 * @param errors {@code [layers with experts][gate, up, down]}
 * @param checksums {@code [copies]}
 */
record LowBitHeader(
        LowBitShape shape,
        String fingerprint,
        String model,
        int layersDone,
        float[][] errors,
        int[] checksums) {

    static final int FINGERPRINT = 32;

    private static final byte[] MAGIC = "GRLOWBIT".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int NAME = 64;
    private static final int FIXED = 8 + 4 + 4 + 16 + FINGERPRINT + NAME + 4;

    /** A file without records yet. */
    static LowBitHeader begin(LowBitShape shape, String fingerprint, String model) {
        return new LowBitHeader(
                shape,
                fingerprint,
                model,
                0,
                new float[shape.moeLayers()][3],
                new int[shape.copies()]);
    }

    LowBitHeader withLayersDone(int layers) {
        return new LowBitHeader(shape, fingerprint, model, layers, errors, checksums);
    }

    /** Bytes without the gap to the first record. */
    static long bytes(LowBitShape shape) {
        return FIXED + shape.spec().layers() + 12L * shape.moeLayers() + 4L * shape.copies() + 4;
    }

    boolean isComplete() {
        return layersDone == shape.moeLayers();
    }

    /** As it stands in the file. */
    ByteBuffer encode() {
        ByteBuffer out = buffer(shape);
        out.put(MAGIC).putInt(VERSION).putInt(shape.type().tensorType().ggmlCode());
        out.putInt(shape.spec().layers()).putInt(shape.spec().experts());
        out.putInt(shape.spec().hidden()).putInt(shape.spec().expertHidden());
        out.put(padded(fingerprint, FINGERPRINT)).put(padded(model, NAME));
        out.putInt(layersDone);
        for (boolean moe : shape.spec().moeLayers()) {
            out.put((byte) (moe ? 1 : 0));
        }
        for (float[] layer : errors) {
            for (float error : layer) {
                out.putFloat(error);
            }
        }
        for (int checksum : checksums) {
            out.putInt(checksum);
        }
        out.putInt(checksum(out));
        return out.flip();
    }

    /**
     * Reads a header.
     *
     * @param in from the file's beginning; may end too early
     * @param expected shape that the model gives a file of this type
     * @param fingerprint of the model
     * @throws CheckpointException naming what is wrong, and what to do about it
     */
    static LowBitHeader decode(Path file, ByteBuffer in, LowBitShape expected, String fingerprint)
            throws CheckpointException {
        in.order(ByteOrder.LITTLE_ENDIAN);
        try {
            return read(file, in, expected, fingerprint);
        } catch (BufferUnderflowException e) {
            throw new CheckpointException(file, "is cut short within its header; " + REMEDY, e);
        }
    }

    private static final String REMEDY =
            "make the copies again with greenroom pack --low-bit TYPE MODEL --out FILE";

    private static LowBitHeader read(
            Path file, ByteBuffer in, LowBitShape expected, String fingerprint)
            throws CheckpointException {
        checkBeginning(file, in);
        in.getInt(); // the type, which led to the shape
        boolean same =
                in.getInt() == expected.spec().layers()
                        & in.getInt() == expected.spec().experts()
                        & in.getInt() == expected.spec().hidden()
                        & in.getInt() == expected.spec().expertHidden();
        String theirs = text(in, FINGERPRINT);
        String model = text(in, NAME);
        if (!same || !theirs.equals(fingerprint)) {
            throw new CheckpointException(
                    file,
                    "holds copies of the experts of another model, "
                            + Untrusted.shown(model)
                            + " with fingerprint "
                            + Untrusted.shown(theirs)
                            + "; this model's is "
                            + fingerprint
                            + "; "
                            + REMEDY);
        }
        int layersDone = in.getInt();
        boolean sameLayers = true;
        for (boolean moe : expected.spec().moeLayers()) {
            sameLayers &= in.get() == (moe ? 1 : 0);
        }
        LowBitHeader header = begin(expected, fingerprint, model).withLayersDone(layersDone);
        for (float[] layer : header.errors()) {
            for (int i = 0; i < layer.length; i++) {
                layer[i] = in.getFloat();
            }
        }
        for (int i = 0; i < header.checksums().length; i++) {
            header.checksums()[i] = in.getInt();
        }
        int actual = checksum(in);
        if (in.getInt() != actual || !sameLayers) {
            throw new CheckpointException(
                    file, "has a damaged header: its checksum is wrong; " + REMEDY);
        }
        if (layersDone < 0 || layersDone > expected.moeLayers()) {
            throw new CheckpointException(
                    file,
                    "says that "
                            + layersDone
                            + " of "
                            + expected.moeLayers()
                            + " layers are done; "
                            + REMEDY);
        }
        return header;
    }

    /** The type a file says it is of; all else is checked by {@link #decode}. */
    static LowBitType typeOf(Path file, ByteBuffer in) throws CheckpointException {
        ByteBuffer start = in.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        try {
            checkBeginning(file, start);
            int code = start.getInt();
            for (LowBitType type : LowBitType.values()) {
                if (type.tensorType().ggmlCode() == code) {
                    return type;
                }
            }
            throw new CheckpointException(
                    file,
                    "holds copies of type number "
                            + Integer.toUnsignedString(code)
                            + "; known are "
                            + Arrays.stream(LowBitType.values())
                                    .map(LowBitType::tensorType)
                                    .map(TensorType::name)
                                    .toList()
                            + "; "
                            + REMEDY);
        } catch (BufferUnderflowException e) {
            throw new CheckpointException(file, "is cut short within its header; " + REMEDY, e);
        }
    }

    private static void checkBeginning(Path file, ByteBuffer in) throws CheckpointException {
        byte[] magic = new byte[MAGIC.length];
        in.get(magic);
        if (!Arrays.equals(magic, MAGIC)) {
            throw new CheckpointException(
                    file, "does not begin as a file of low-bit copies does; " + REMEDY);
        }
        int version = in.getInt();
        if (version != VERSION) {
            throw new CheckpointException(
                    file,
                    "has version "
                            + Integer.toUnsignedString(version)
                            + " of the format, expected "
                            + VERSION
                            + "; "
                            + REMEDY);
        }
    }

    /** Of all bytes before the position. */
    private static int checksum(ByteBuffer buffer) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.duplicate().flip());
        return (int) crc.getValue();
    }

    private static ByteBuffer buffer(LowBitShape shape) {
        return ByteBuffer.allocate(Math.toIntExact(bytes(shape))).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] padded(String text, int length) {
        return Arrays.copyOf(text.getBytes(StandardCharsets.UTF_8), length);
    }

    private static String text(ByteBuffer in, int length) {
        byte[] bytes = new byte[length];
        in.get(bytes);
        int end = 0;
        while (end < length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }
}
