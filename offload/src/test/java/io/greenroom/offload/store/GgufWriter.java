package io.greenroom.offload.store;

import io.greenroom.offload.kernel.TensorType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes GGUF files for tests, well-formed or not: nothing is checked. Metadata values are Byte
 * (u8), Short (u16), Integer (u32), Long (u64), Float, Double, Boolean, String, String[], int[]
 * (i32) or float[].
 */
public final class GgufWriter {

    /** A metadata value of any type code, given as the bytes after the code. */
    public record Raw(int type, byte[] bytes) {}

    /** A tensor to write; null data leaves out the bytes. */
    private record Tensor(String name, int type, long[] shape, byte[] data, Long offset) {}

    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private int version = 3;
    private int alignment = 32;

    public GgufWriter version(int newVersion) {
        version = newVersion;
        return this;
    }

    public GgufWriter alignment(int bytes) {
        alignment = bytes;
        return meta("general.alignment", bytes);
    }

    public GgufWriter meta(String key, Object value) {
        metadata.put(key, value);
        return this;
    }

    public GgufWriter without(String key) {
        metadata.remove(key);
        return this;
    }

    /**
     * @param shape outermost dimension first
     */
    public GgufWriter tensor(String name, TensorType type, byte[] data, long... shape) {
        return tensor(name, type.ggmlCode(), data, null, shape);
    }

    /** Any type code, and an offset other than the next free one. */
    public GgufWriter tensor(String name, int type, byte[] data, Long offset, long... shape) {
        tensors.add(new Tensor(name, type, shape, data, offset));
        return this;
    }

    public GgufWriter withoutTensor(String name) {
        tensors.removeIf(tensor -> tensor.name.equals(name));
        return this;
    }

    public byte[] bytes() {
        Little out = new Little();
        out.bytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        out.i32(version);
        out.i64(tensors.size());
        out.i64(metadata.size());
        metadata.forEach(
                (key, value) -> {
                    out.string(key);
                    out.value(value);
                });
        long next = 0;
        List<Long> offsets = new ArrayList<>();
        for (Tensor tensor : tensors) {
            long offset = tensor.offset != null ? tensor.offset : next;
            offsets.add(offset);
            out.string(tensor.name);
            out.i32(tensor.shape.length);
            for (int d = tensor.shape.length - 1; d >= 0; d--) {
                out.i64(tensor.shape[d]);
            }
            out.i32(tensor.type);
            out.i64(offset);
            if (tensor.offset == null) {
                next = roundUp(offset + tensor.data.length);
            }
        }
        int data = (int) roundUp(out.size());
        byte[] file = new byte[data + (int) next];
        System.arraycopy(out.toByteArray(), 0, file, 0, out.size());
        for (int i = 0; i < tensors.size(); i++) {
            Tensor tensor = tensors.get(i);
            if (tensor.offset == null) {
                int at = data + offsets.get(i).intValue();
                System.arraycopy(tensor.data, 0, file, at, tensor.data.length);
            }
        }
        return file;
    }

    public Path write(Path file) {
        try {
            return Files.write(file, bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long roundUp(long bytes) {
        return (bytes + alignment - 1) / alignment * alignment;
    }

    private static final class Little extends ByteArrayOutputStream {

        void bytes(byte[] bytes) {
            write(bytes, 0, bytes.length);
        }

        void i32(int value) {
            bytes(little(4).putInt(value).array());
        }

        void i64(long value) {
            bytes(little(8).putLong(value).array());
        }

        void string(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            i64(utf8.length);
            bytes(utf8);
        }

        void value(Object value) {
            if (value instanceof Raw raw) {
                i32(raw.type);
                bytes(raw.bytes);
            } else if (value instanceof Byte number) {
                i32(0);
                write(number);
            } else if (value instanceof Short number) {
                i32(2);
                bytes(little(2).putShort(number).array());
            } else if (value instanceof Integer number) {
                i32(4);
                i32(number);
            } else if (value instanceof Float number) {
                i32(6);
                bytes(little(4).putFloat(number).array());
            } else if (value instanceof Boolean flag) {
                i32(7);
                write(flag ? 1 : 0);
            } else if (value instanceof String text) {
                i32(8);
                string(text);
            } else if (value instanceof Long number) {
                i32(10);
                i64(number);
            } else if (value instanceof Double number) {
                i32(12);
                bytes(little(8).putDouble(number).array());
            } else {
                i32(9);
                array(value);
            }
        }

        private void array(Object value) {
            if (value instanceof String[] texts) {
                i32(8);
                i64(texts.length);
                for (String text : texts) {
                    string(text);
                }
            } else if (value instanceof int[] numbers) {
                i32(5);
                i64(numbers.length);
                for (int number : numbers) {
                    i32(number);
                }
            } else if (value instanceof float[] numbers) {
                i32(6);
                i64(numbers.length);
                for (float number : numbers) {
                    bytes(little(4).putFloat(number).array());
                }
            } else {
                throw new IllegalArgumentException("Cannot write " + value);
            }
        }

        private static ByteBuffer little(int bytes) {
            return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
