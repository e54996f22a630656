package io.greenroom.offload.synthetic;

import io.greenroom.offload.kernel.TensorType;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a GGUF file (version 3, little-endian) and where each tensor's bytes will go.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">the GGUF format</a>
 */
public final class GgufLayout {

    /** Where a tensor goes. */
    private record Placed(String name, TensorType type, long[] shape, long offset) {}

    private static final int VERSION = 3;

    /** ggml's default; a multiple of every element's size. */
    private static final int ALIGNMENT = 32;

    private static final int U32 = 4;
    private static final int I32 = 5;
    private static final int F32 = 6;
    private static final int BOOL = 7;
    private static final int STRING = 8;
    private static final int ARRAY = 9;

    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final List<Placed> tensors = new ArrayList<>();
    private long dataBytes;

    /** A number, written as an unsigned 32-bit integer. */
    public GgufLayout put(String key, int value) {
        return putValue(key, value);
    }

    public GgufLayout put(String key, float value) {
        return putValue(key, value);
    }

    public GgufLayout put(String key, boolean value) {
        return putValue(key, value);
    }

    public GgufLayout put(String key, String value) {
        return putValue(key, value);
    }

    public GgufLayout put(String key, List<String> values) {
        return putValue(key, List.copyOf(values));
    }

    /** Numbers, written as signed 32-bit integers. */
    public GgufLayout put(String key, int[] values) {
        return putValue(key, values.clone());
    }

    private GgufLayout putValue(String key, Object value) {
        if (metadata.putIfAbsent(key, value) != null) {
            throw new IllegalArgumentException("Metadata key " + key + " is there already");
        }
        return this;
    }

    /**
     * Gives a tensor the next free place.
     *
     * @param shape outermost dimension first, 1 to 4 of them
     * @return its index
     * @throws IllegalArgumentException if its rows are not whole blocks, or the name is taken
     */
    public int add(String name, TensorType type, long... shape) {
        if (shape.length < 1 || shape.length > 4) {
            throw new IllegalArgumentException(
                    "Tensor " + name + " has " + shape.length + " dimensions; from 1 to 4 fit");
        }
        if (tensors.stream().anyMatch(tensor -> tensor.name.equals(name))) {
            throw new IllegalArgumentException("Tensor " + name + " is there already");
        }
        long bytes = type.bytesFor(shape[shape.length - 1]);
        for (int i = 0; i < shape.length - 1; i++) {
            bytes = Math.multiplyExact(bytes, shape[i]);
        }
        tensors.add(new Placed(name, type, shape.clone(), dataBytes));
        dataBytes = roundUp(Math.addExact(dataBytes, bytes));
        return tensors.size() - 1;
    }

    /** The bytes before the first tensor. */
    public byte[] header() {
        Little out = new Little();
        out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        out.i32(VERSION);
        out.i64(tensors.size());
        out.i64(metadata.size());
        metadata.forEach(
                (key, value) -> {
                    out.string(key);
                    out.value(value);
                });
        for (Placed tensor : tensors) {
            out.string(tensor.name);
            out.i32(tensor.shape.length);
            for (int d = tensor.shape.length - 1; d >= 0; d--) {
                out.i64(tensor.shape[d]);
            }
            out.i32(tensor.type.ggmlCode());
            out.i64(tensor.offset);
        }
        while (out.size() % ALIGNMENT != 0) {
            out.write(0);
        }
        return out.toByteArray();
    }

    /** Where a tensor begins, counted from the end of the header. */
    public long offset(int tensor) {
        return tensors.get(tensor).offset;
    }

    /** Bytes after the header. */
    public long dataBytes() {
        return dataBytes;
    }

    private static long roundUp(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Little-endian values as GGUF writes them. */
    private static final class Little extends ByteArrayOutputStream {

        void i32(int value) {
            writeBytes(little(Integer.BYTES).putInt(value).array());
        }

        void i64(long value) {
            writeBytes(little(Long.BYTES).putLong(value).array());
        }

        void string(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            i64(utf8.length);
            writeBytes(utf8);
        }

        void value(Object value) {
            if (value instanceof Integer number) {
                i32(U32);
                i32(number);
            } else if (value instanceof Float number) {
                i32(F32);
                i32(Float.floatToIntBits(number));
            } else if (value instanceof Boolean flag) {
                i32(BOOL);
                write(flag ? 1 : 0);
            } else if (value instanceof String text) {
                i32(STRING);
                string(text);
            } else if (value instanceof int[] numbers) {
                i32(ARRAY);
                i32(I32);
                i64(numbers.length);
                for (int number : numbers) {
                    i32(number);
                }
            } else {
                i32(ARRAY);
                i32(STRING);
                i64(((List<?>) value).size());
                ((List<?>) value).forEach(text -> string((String) text));
            }
        }

        private static ByteBuffer little(int bytes) {
            return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
