package io.greenroom.offload.store;

import io.greenroom.offload.kernel.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The header of one GGUF file, version 2 or 3, little-endian: metadata, then tensor descriptions,
 * then (aligned) the tensors' bytes. Everything in it is checked here, against the file's size, so
 * that later code can trust the tensors' bounds.
 *
 * @param file the file
 * @param metadata its key-value pairs
 * @param tensors its tensors in file order
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">the GGUF format</a>
 */
record GgufHeader(Path file, GgufMetadata metadata, List<StoredTensor> tensors) {

    private static final int MAGIC = 0x46554747; // "GGUF"

    /** Real headers reach some ten MiB, nearly all of it vocabulary. */
    static final long MAX_HEADER_BYTES = 128L << 20;

    /** The largest published models have some hundred thousand when experts are stored singly. */
    private static final long MAX_TENSORS = 1 << 18;

    /** ggml stops at 63 for tensors; keys of real files stay below this too. */
    private static final int MAX_NAME = 256;

    private static final String NOT_A_NAME =
            " has no proper name (1 to "
                    + MAX_NAME
                    + " characters, none of them control characters): ";

    private static final int MAX_DIMENSIONS = 4;

    /** Floats must lie at multiples of their size for the kernels; 32 is what real files have. */
    private static final int LEAST_ALIGNMENT = 4;

    /** Arrays worth keeping; others, of which files hold many, are checked and passed over. */
    private static final Set<String> KEPT_ARRAYS =
            Set.of(
                    "tokenizer.ggml.tokens",
                    "tokenizer.ggml.scores",
                    "tokenizer.ggml.token_type",
                    "tokenizer.ggml.merges");

    /** GGUF's value types; the ordinal is the number in the file. */
    private enum ValueType {
        U8(1),
        I8(1),
        U16(2),
        I16(2),
        U32(4),
        I32(4),
        F32(4),
        BOOL(1),
        STRING(8),
        ARRAY(12),
        U64(8),
        I64(8),
        F64(8);

        private final int leastBytes;

        ValueType(int leastBytes) {
            this.leastBytes = leastBytes;
        }
    }

    /** Reads and checks a header. */
    static GgufHeader read(Path file) throws CheckpointException {
        try (HeaderReader in = HeaderReader.open(file, MAX_HEADER_BYTES)) {
            if (in.size() < 4 || in.i32("magic") != MAGIC) {
                throw new CheckpointException(file, "not a GGUF file: it does not begin with GGUF");
            }
            int version = in.i32("version");
            if (Integer.reverseBytes(version) >= 1 && Integer.reverseBytes(version) <= 0xFF) {
                throw new CheckpointException(
                        file,
                        "a big-endian GGUF file; only little-endian files are supported, convert"
                                + " it with gguf_convert_endian.py of llama.cpp");
            }
            if (version != 2 && version != 3) {
                throw new CheckpointException(
                        file,
                        "GGUF version "
                                + Integer.toUnsignedString(version)
                                + "; supported are 2 and 3");
            }
            long tensors = in.i64("tensor count");
            long keys = in.i64("metadata count");
            in.requireCount(keys, 8 + 1 + 4 + 1, "metadata keys");
            in.requireCount(tensors, 8 + 1 + 4 + 8 + 4 + 8, "tensors");
            if (tensors > MAX_TENSORS) {
                throw new CheckpointException(
                        file, "declares " + tensors + " tensors; at most " + MAX_TENSORS);
            }
            GgufMetadata metadata = readMetadata(file, in, keys);
            return new GgufHeader(file, metadata, readTensors(file, in, metadata, tensors));
        }
    }

    private static GgufMetadata readMetadata(Path file, HeaderReader in, long count)
            throws CheckpointException {
        GgufMetadata metadata = new GgufMetadata();
        for (long i = 0; i < count; i++) {
            long at = in.position();
            String key = in.string("name of metadata key " + i);
            if (!Untrusted.isName(key, MAX_NAME)) {
                throw new CheckpointException(
                        file, "metadata key " + i + " at byte " + at + NOT_A_NAME + shown(key));
            }
            String what = "metadata key " + key;
            Object value = readValue(file, in, valueType(file, in, what), key, what);
            if (!metadata.put(key, value)) {
                throw new CheckpointException(file, what + " appears twice");
            }
        }
        return metadata;
    }

    private static ValueType valueType(Path file, HeaderReader in, String what)
            throws CheckpointException {
        int code = in.i32("type of " + what);
        if (code < 0 || code >= ValueType.values().length) {
            throw new CheckpointException(
                    file,
                    what
                            + " has value type "
                            + Integer.toUnsignedString(code)
                            + "; known are 0 to "
                            + (ValueType.values().length - 1));
        }
        return ValueType.values()[code];
    }

    private static Object readValue(
            Path file, HeaderReader in, ValueType type, String key, String what)
            throws CheckpointException {
        return switch (type) {
            case U8 -> (long) in.u8(what);
            case I8 -> (long) (byte) in.u8(what);
            case U16 -> (long) in.u16(what);
            case I16 -> (long) (short) in.u16(what);
            case U32 -> Integer.toUnsignedLong(in.i32(what));
            case I32 -> (long) in.i32(what);
            case F32 -> (double) in.f32(what);
            case BOOL -> in.u8(what) != 0;
            case STRING -> in.string(what);
            case U64, I64 -> in.i64(what);
            case F64 -> in.f64(what);
            case ARRAY -> readArray(file, in, key, what);
        };
    }

    private static Object readArray(Path file, HeaderReader in, String key, String what)
            throws CheckpointException {
        ValueType type = valueType(file, in, "the array in " + what);
        if (type == ValueType.ARRAY) {
            throw new CheckpointException(
                    file, what + " is an array of arrays; arrays may hold numbers or strings");
        }
        long count = in.i64("length of " + what);
        in.requireCount(count, type.leastBytes, "elements of " + what);
        boolean keep = KEPT_ARRAYS.contains(key);
        if (type == ValueType.STRING) {
            List<String> strings = keep ? new ArrayList<>() : Collections.emptyList();
            for (long i = 0; i < count; i++) {
                if (keep) {
                    strings.add(in.string(what));
                } else {
                    in.skipString(what);
                }
            }
            if (keep) {
                return Collections.unmodifiableList(strings);
            }
        } else if (keep && (type == ValueType.I32 || type == ValueType.U32)) {
            int[] array = new int[Math.toIntExact(count)];
            for (int i = 0; i < array.length; i++) {
                array[i] = in.i32(what);
            }
            return array;
        } else if (keep && type == ValueType.F32) {
            float[] array = new float[Math.toIntExact(count)];
            for (int i = 0; i < array.length; i++) {
                array[i] = in.f32(what);
            }
            return array;
        } else {
            in.skip(count * type.leastBytes, what);
        }
        return new GgufMetadata.SkippedArray(type.name(), count);
    }

    /** What a tensor description says before the data's beginning is known. */
    private record Declared(String name, TensorType type, long[] shape, long offset, long bytes) {}

    private static List<StoredTensor> readTensors(
            Path file, HeaderReader in, GgufMetadata metadata, long count)
            throws CheckpointException {
        Problems problems = new Problems(file);
        int alignment =
                metadata.integer("general.alignment", LEAST_ALIGNMENT, 1 << 20, problems)
                        .orElse(32); // the format's default
        problems.throwIfAny();
        if (Integer.bitCount(alignment) != 1) {
            throw new CheckpointException(
                    file,
                    "metadata key general.alignment is " + alignment + "; expected a power of two");
        }
        Set<String> names = new HashSet<>();
        List<Declared> declared = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            String name = in.string("name of tensor " + i);
            if (!Untrusted.isName(name, MAX_NAME)) {
                throw new CheckpointException(file, "tensor " + i + NOT_A_NAME + shown(name));
            }
            if (!names.add(name)) {
                problems.add("tensor " + name + " appears twice");
            }
            readTensor(file, in, name, alignment, problems, declared);
        }
        problems.throwIfAny();

        long data = (in.position() + alignment - 1) / alignment * alignment;
        List<StoredTensor> tensors = new ArrayList<>(declared.size());
        for (Declared d : declared) {
            if (data > in.size() || d.offset > in.size() - data - d.bytes) {
                problems.add(
                        "tensor "
                                + d.name
                                + " needs "
                                + d.bytes
                                + " bytes at offset "
                                + d.offset
                                + " of the data, which begins at byte "
                                + data
                                + "; the file ends at byte "
                                + in.size());
            } else {
                tensors.add(
                        new StoredTensor(d.name, file, data + d.offset, d.bytes, d.type, d.shape));
            }
        }
        problems.throwIfAny();
        StoredTensor.refuseOverlap(file, tensors);
        return tensors;
    }

    private static void readTensor(
            Path file,
            HeaderReader in,
            String name,
            int alignment,
            Problems problems,
            List<Declared> into)
            throws CheckpointException {
        String what = "tensor " + name;
        int dimensions = in.i32("rank of " + what);
        if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
            throw new CheckpointException(
                    file,
                    what
                            + " has "
                            + Integer.toUnsignedString(dimensions)
                            + " dimensions; expected 1 to "
                            + MAX_DIMENSIONS);
        }
        long[] shape = new long[dimensions];
        for (int d = dimensions - 1; d >= 0; d--) { // the file has the contiguous one first
            shape[d] = in.i64("shape of " + what);
        }
        int code = in.i32("type of " + what);
        long offset = in.i64("offset of " + what);
        TensorType type = TensorType.ofGgmlCode(code).orElse(null);
        if (type == null) {
            problems.add(
                    what
                            + " has type "
                            + GgmlTypeNames.of(code)
                            + "; supported are "
                            + GgmlTypeNames.supported());
            return;
        }
        if (offset < 0 || offset % alignment != 0) {
            problems.add(
                    what
                            + " has offset "
                            + Long.toUnsignedString(offset)
                            + ", which is not a multiple of the alignment "
                            + alignment);
            return;
        }
        long cols = shape[dimensions - 1];
        if (!StoredTensor.checkDimensions(what, shape, problems)) {
            return;
        }
        if (cols % type.blockElements() != 0) {
            problems.add(
                    what
                            + " of type "
                            + type
                            + " has rows of "
                            + cols
                            + " elements; expected a multiple of "
                            + type.blockElements());
            return;
        }
        try {
            long bytes = type.bytesFor(StoredTensor.product(shape));
            if (bytes > in.size()) {
                throw new ArithmeticException();
            }
            into.add(new Declared(name, type, shape, offset, bytes));
        } catch (ArithmeticException e) {
            problems.add(
                    what
                            + " of type "
                            + type
                            + " and shape "
                            + StoredTensor.text(shape)
                            + " is larger than the file of "
                            + in.size()
                            + " bytes");
        }
    }

    private static String shown(String name) {
        return "\"" + Untrusted.shown(name) + "\"";
    }
}
