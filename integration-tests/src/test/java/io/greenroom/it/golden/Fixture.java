package io.greenroom.it.golden;

import com.google.gson.Gson;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * One folder of the fixtures: a tiny checkpoint and what Hugging Face Transformers answers for it
 * in float32 (see the README beside them).
 */
final class Fixture {

    private static final Path FOLDER = Path.of("src", "test", "resources", "fixtures");

    private final Path folder;
    private final Reference reference;

    private Fixture(Path folder, Reference reference) {
        this.folder = folder;
        this.reference = reference;
    }

    /** The fields of reference.json that decoding is compared with. */
    private record Reference(int[] prompt, int[] greedy, int[] shape) {}

    static List<Fixture> all() {
        try (Stream<Path> folders = Files.list(FOLDER)) {
            List<Fixture> fixtures =
                    folders.filter(folder -> Files.exists(folder.resolve("logits.f32")))
                            .sorted()
                            .map(Fixture::open)
                            .toList();
            if (fixtures.isEmpty()) {
                throw new IllegalStateException("No fixtures in " + FOLDER.toAbsolutePath());
            }
            return fixtures;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Fixture open(Path folder) {
        try {
            String json = Files.readString(folder.resolve("reference.json"));
            return new Fixture(folder, new Gson().fromJson(json, Reference.class));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int[] prompt() {
        return reference.prompt().clone();
    }

    List<Integer> greedy() {
        return Arrays.stream(reference.greedy()).boxed().toList();
    }

    /** {@code [positions, vocabulary]}. */
    float[][] logits() throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("logits.f32")));
        bytes.order(ByteOrder.LITTLE_ENDIAN);
        float[][] logits = new float[reference.shape()[0]][reference.shape()[1]];
        for (float[] row : logits) {
            for (int i = 0; i < row.length; i++) {
                row[i] = bytes.getFloat();
            }
        }
        if (bytes.hasRemaining()) {
            throw new IOException(folder + ": logits.f32 is longer than its shape");
        }
        return logits;
    }

    Checkpoint checkpoint() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> gguf =
                    files.filter(file -> file.toString().endsWith(".gguf")).sorted().toList();
            return Checkpoints.open(gguf.isEmpty() ? folder : gguf.get(0));
        }
    }

    @Override
    public String toString() {
        return folder.getFileName().toString();
    }
}
