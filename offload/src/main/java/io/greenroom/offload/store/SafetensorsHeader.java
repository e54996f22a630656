package io.greenroom.offload.store;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.greenroom.offload.kernel.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The header of one safetensors file: 8 bytes of length, then JSON that gives each tensor's dtype,
 * shape and place in the bytes that follow.
 *
 * @param file the file
 * @param tensors its tensors in header order
 * @see <a href="https://huggingface.co/docs/safetensors">the safetensors format</a>
 */
record SafetensorsHeader(Path file, List<StoredTensor> tensors) {

    /** The format's own limit. */
    static final long MAX_HEADER_BYTES = 100_000_000;

    private static final int MAX_DIMENSIONS = 8;
    private static final int MAX_NAME = 512;

    private static final Map<String, TensorType> TYPES =
            Map.of("F32", TensorType.F32, "F16", TensorType.F16, "BF16", TensorType.BF16);

    static SafetensorsHeader read(Path file) throws CheckpointException {
        try (HeaderReader in = HeaderReader.open(file, MAX_HEADER_BYTES + 8)) {
            long length = in.i64("header length");
            if (length < 2 || length > in.remaining()) {
                throw new CheckpointException(
                        file,
                        "declares a header of "
                                + Long.toUnsignedString(length)
                                + " bytes; expected 2 to "
                                + in.remaining()
                                + ", as the file has "
                                + in.size()
                                + " bytes and a header at most "
                                + MAX_HEADER_BYTES);
            }
            return new Parser(file, 8 + length, in.size()).parse(in, length);
        }
    }

    /** What the header says about one tensor; fields are null until seen. */
    private static final class Entry {
        @Nullable String dtype;
        long @Nullable [] shape;
        long @Nullable [] dataOffsets;
    }

    private record Parser(Path file, long data, long size, Problems problems) {

        Parser(Path file, long data, long size) {
            this(file, data, size, new Problems(file));
        }

        SafetensorsHeader parse(HeaderReader in, long length) throws CheckpointException {
            List<StoredTensor> tensors = new ArrayList<>();
            Set<String> names = new HashSet<>();
            String name = "";
            try (JsonReader json = StrictJson.reader(in.stream(length, "header"))) {
                json.beginObject();
                while (json.hasNext()) {
                    name = json.nextName();
                    if (!Untrusted.isName(name, MAX_NAME)) {
                        throw new CheckpointException(
                                file,
                                "a tensor's name has "
                                        + name.length()
                                        + " characters or a control character: \""
                                        + Untrusted.shown(name)
                                        + "\"; expected 1 to "
                                        + MAX_NAME);
                    }
                    if (!names.add(name)) {
                        throw new CheckpointException(file, "tensor " + name + " appears twice");
                    }
                    if (name.equals("__metadata__")) {
                        json.skipValue();
                    } else {
                        StoredTensor tensor = tensor(name, entry(json));
                        if (tensor != null) {
                            tensors.add(tensor);
                        }
                    }
                }
                json.endObject();
                StrictJson.requireEnd(json);
            } catch (CheckpointException e) {
                throw e;
            } catch (IOException | IllegalStateException | NumberFormatException e) {
                String where =
                        !Untrusted.isName(name, MAX_NAME)
                                ? "header: "
                                : "header, at " + name + ": ";
                throw StrictJson.malformed(file, where, e);
            }
            problems.throwIfAny();
            StoredTensor.refuseOverlap(file, tensors);
            return new SafetensorsHeader(file, tensors);
        }

        private static Entry entry(JsonReader json) throws IOException {
            Entry entry = new Entry();
            json.beginObject();
            while (json.hasNext()) {
                switch (json.nextName()) {
                    case "dtype" -> entry.dtype = json.nextString();
                    case "shape" -> entry.shape = integers(json, MAX_DIMENSIONS);
                    case "data_offsets" -> entry.dataOffsets = integers(json, 2);
                    default -> json.skipValue();
                }
            }
            json.endObject();
            return entry;
        }

        private static long[] integers(JsonReader json, int most) throws IOException {
            long[] integers = new long[most];
            int count = 0;
            json.beginArray();
            while (json.hasNext()) {
                if (count == most) {
                    throw new IllegalStateException("more than " + most + " numbers in an array");
                }
                if (json.peek() != JsonToken.NUMBER) {
                    throw new IllegalStateException("a " + json.peek() + " among numbers");
                }
                integers[count++] = json.nextLong();
            }
            json.endArray();
            return Arrays.copyOf(integers, count);
        }

        private @Nullable StoredTensor tensor(String name, Entry entry) {
            String what = "tensor " + name;
            if (entry.dtype == null || entry.shape == null || entry.dataOffsets == null) {
                problems.add(what + " lacks one of dtype, shape and data_offsets");
                return null;
            }
            TensorType type = TYPES.get(entry.dtype);
            if (type == null) {
                problems.add(
                        what + " has dtype " + entry.dtype + "; supported are BF16, F16 and F32");
                return null;
            }
            long[] shape = entry.shape;
            if (!StoredTensor.checkDimensions(what, shape, problems)) {
                return null;
            }
            return bounded(name, type, shape, entry.dataOffsets);
        }

        private @Nullable StoredTensor bounded(
                String name, TensorType type, long[] shape, long[] offsets) {
            long available = size - data;
            if (offsets.length != 2
                    || offsets[0] < 0
                    || offsets[1] < offsets[0]
                    || offsets[1] > available) {
                problems.add(
                        "tensor "
                                + name
                                + " has data_offsets "
                                + StoredTensor.text(offsets)
                                + "; expected a range within the "
                                + available
                                + " bytes after the header");
                return null;
            }
            long bytes = offsets[1] - offsets[0];
            long expected;
            try {
                expected = type.bytesFor(StoredTensor.product(shape));
            } catch (ArithmeticException e) {
                expected = -1;
            }
            if (bytes != expected) {
                problems.add(
                        "tensor "
                                + name
                                + " of dtype "
                                + type
                                + " and shape "
                                + StoredTensor.text(shape)
                                + " has "
                                + bytes
                                + " bytes; expected "
                                + (expected < 0 ? "more than a file can have" : expected));
                return null;
            }
            long offset = data + offsets[0];
            if (offset % type.blockBytes() != 0) {
                problems.add(
                        "tensor "
                                + name
                                + " begins at byte "
                                + offset
                                + ", not a multiple of its element size "
                                + type.blockBytes()
                                + "; save it again with a current safetensors library");
                return null;
            }
            return new StoredTensor(name, file, offset, bytes, type, shape);
        }
    }
}
