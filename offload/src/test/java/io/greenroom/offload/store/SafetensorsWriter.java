package io.greenroom.offload.store;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes safetensors files for tests. */
public final class SafetensorsWriter {

    private record Tensor(String dtype, byte[] data, long[] shape) {}

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    public SafetensorsWriter tensor(String name, String dtype, byte[] data, long... shape) {
        tensors.put(name, new Tensor(dtype, data, shape));
        return this;
    }

    public byte[] bytes() {
        JsonObject header = new JsonObject();
        JsonObject metadata = new JsonObject();
        metadata.addProperty("format", "pt");
        header.add("__metadata__", metadata);
        int end = 0;
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            Tensor tensor = entry.getValue();
            JsonObject description = new JsonObject();
            description.addProperty("dtype", tensor.dtype);
            JsonArray shape = new JsonArray();
            for (long dimension : tensor.shape) {
                shape.add(dimension);
            }
            description.add("shape", shape);
            JsonArray offsets = new JsonArray();
            offsets.add(end);
            end += tensor.data.length;
            offsets.add(end);
            description.add("data_offsets", offsets);
            header.add(entry.getKey(), description);
        }
        StringBuilder text = new StringBuilder(header.toString());
        while (text.length() % 8 != 0) {
            text.append(' '); // as the library does, so that the data is aligned
        }
        return file(text.toString(), join(end));
    }

    /** A file with any header text. */
    public static byte[] file(String header, byte[] data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .put(data)
                .array();
    }

    public Path write(Path file) {
        try {
            return Files.write(file, bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] join(int bytes) {
        ByteBuffer data = ByteBuffer.allocate(bytes);
        tensors.values().forEach(tensor -> data.put(tensor.data));
        return data.array();
    }
}
