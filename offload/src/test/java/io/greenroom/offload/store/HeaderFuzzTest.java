package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel.ExpertNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/**
 * Damages real headers at random. Whatever comes out, opening it ends in a checkpoint whose spans
 * all lie inside their files, or in a {@link CheckpointException}, and the Java heap it takes is
 * bounded by the file's size. A failure prints the seed that repeats it.
 */
class HeaderFuzzTest {

    /**
     * Heap for each byte of file, at most: a tensor described in some 60 bytes becomes names, spans
     * and map entries; and a constant for buffers and messages.
     */
    private static final long HEAP_PER_BYTE = 64;

    private static final long HEAP_CONSTANT = 1 << 20;

    private static final long[] INTERESTING = {
        0,
        1,
        -1,
        2,
        3,
        4,
        8,
        255,
        256,
        65535,
        1 << 20,
        Integer.MAX_VALUE,
        1L << 31,
        1L << 32,
        1L << 40,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        Long.MAX_VALUE / 2,
        Long.MAX_VALUE - 4095
    };

    private static final String[] JSON_VALUES = {
        "null",
        "-1",
        "0",
        "1e999",
        "-0.0",
        "1.5",
        "\"\"",
        "\"x\"",
        "[]",
        "{}",
        "true",
        "[[[[]]]]",
        "9223372036854775807",
        "99999999999999999999",
        "2147483648",
        "[1,2,3]",
        "{\"a\":1}"
    };

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static Path folder;
    private static Path ggufFile;
    private static byte[][] ggufFiles;
    private static byte[] weights;
    private static String[] configs;

    @BeforeContainer
    static void writeRealOnes() throws IOException {
        folder = Files.createTempDirectory("fuzz");
        ggufFile = Files.createTempFile("fuzz", ".gguf");
        Family[] families = Family.values();
        ggufFiles = new byte[families.length][];
        configs = new String[families.length];
        for (int i = 0; i < families.length; i++) {
            TinyModel model = new TinyModel(families[i], 1, 32, 32, 2, 8, TensorType.Q8_0, 3);
            ggufFiles[i] = model.gguf().bytes();
            configs[i] = model.config();
        }
        TinyModel model = new TinyModel(Family.MIXTRAL, 1, 32, 32, 2, 8, TensorType.F32, 3);
        weights = model.safetensors("BF16", ExpertNames.SINGLE).bytes();
        // loads the classes, whose heap is not the files'
        Checkpoints.open(model.gguf().write(ggufFile));
        Checkpoints.open(model.huggingFace(folder, "BF16", ExpertNames.SINGLE));
    }

    @AfterContainer
    static void clean() throws IOException {
        for (String name : new String[] {"config.json", "model.safetensors"}) {
            Files.deleteIfExists(folder.resolve(name));
        }
        Files.delete(folder);
        Files.delete(ggufFile);
    }

    @Property(tries = 5000, shrinking = ShrinkingMode.OFF)
    void damagedGgufHeaders(@ForAll long seed) throws Exception {
        Random random = new Random(seed);
        byte[] real = ggufFiles[random.nextInt(ggufFiles.length)];
        // the header and the beginning of the data
        byte[] damaged = damage(real, Math.min(real.length, 4096), random);
        openDamaged(Files.write(ggufFile, damaged), damaged.length);
    }

    @Property(tries = 1500, shrinking = ShrinkingMode.OFF)
    void damagedSafetensorsHeaders(@ForAll long seed) throws Exception {
        Random random = new Random(seed);
        Files.writeString(folder.resolve("config.json"), configs[Family.MIXTRAL.ordinal()]);
        int header = (int) ByteBuffer.wrap(weights).order(ByteOrder.LITTLE_ENDIAN).getLong() + 8;
        byte[] damaged;
        if (random.nextBoolean()) {
            damaged = damage(weights, header, random);
        } else {
            String json = new String(weights, 8, header - 8, StandardCharsets.UTF_8);
            damaged =
                    SafetensorsWriter.file(
                            damageJson(json, random),
                            Arrays.copyOfRange(weights, header, weights.length));
        }
        Files.write(folder.resolve("model.safetensors"), damaged);
        openDamaged(folder, damaged.length + configs[Family.MIXTRAL.ordinal()].length());
    }

    @Property(tries = 1500, shrinking = ShrinkingMode.OFF)
    void damagedConfigurations(@ForAll long seed) throws Exception {
        Random random = new Random(seed);
        String config = configs[random.nextInt(configs.length)];
        for (int i = random.nextInt(3); i >= 0; i--) {
            config = damageJson(config, random);
        }
        Files.writeString(folder.resolve("config.json"), config);
        Files.write(folder.resolve("model.safetensors"), weights);
        openDamaged(folder, weights.length + config.length());
    }

    private static void openDamaged(Path location, long fileBytes) {
        Thread thread = Thread.currentThread();
        long before = THREADS.getThreadAllocatedBytes(thread.getId());
        Checkpoint checkpoint = null;
        String refusal = "";
        try {
            checkpoint = Checkpoints.open(location);
        } catch (CheckpointException e) {
            refusal = e.getMessage();
        }
        long heap = THREADS.getThreadAllocatedBytes(thread.getId()) - before;
        assertThat(heap)
                .as("heap for a file of %d bytes", fileBytes)
                .isLessThan(HEAP_CONSTANT + HEAP_PER_BYTE * fileBytes);
        if (checkpoint == null) {
            assertThat(refusal).contains(": ");
        } else {
            assertEverySpanInside(checkpoint);
        }
    }

    private static void assertEverySpanInside(Checkpoint checkpoint) {
        checkpoint.tensors().forEach(HeaderFuzzTest::assertInside);
        ModelSpec spec = checkpoint.spec();
        for (int layer = 0; layer < spec.layers(); layer++) {
            for (int e = 0; spec.moeLayers()[layer] && e < spec.experts(); e++) {
                checkpoint
                        .expert(new ExpertId(layer, e))
                        .inOrder()
                        .forEach(HeaderFuzzTest::assertInside);
            }
        }
        // and the layout of such experts can be computed
        assertThat(ExpertLayout.of(checkpoint).slotBytes()).isPositive();
    }

    private static void assertInside(TensorSpan span) {
        try {
            long size = Files.size(span.file());
            assertThat(span.offset()).isNotNegative();
            assertThat(span.offset() + span.bytes()).isLessThanOrEqualTo(size);
            assertThat(span.bytes()).isEqualTo(span.type().bytesFor(span.cols()) * span.rows());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One to four changes within the first {@code header} bytes. */
    private static byte[] damage(byte[] real, int header, Random random) {
        byte[] bytes = real.clone();
        for (int i = random.nextInt(4); i >= 0; i--) {
            int at = random.nextInt(Math.min(header, bytes.length));
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            long value = INTERESTING[random.nextInt(INTERESTING.length)];
            switch (random.nextInt(7)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt();
                case 2 -> {
                    if (at + 8 <= bytes.length) {
                        buffer.putLong(at, value);
                    }
                }
                case 3 -> {
                    if (at + 4 <= bytes.length) {
                        buffer.putInt(at, (int) value);
                    }
                }
                case 4 -> bytes = Arrays.copyOf(bytes, Math.max(1, at)); // cut short
                case 5 -> { // a piece twice
                    int length = Math.min(random.nextInt(64), bytes.length - at);
                    byte[] longer = Arrays.copyOf(bytes, bytes.length + length);
                    System.arraycopy(bytes, at, longer, at + length, bytes.length - at);
                    bytes = longer;
                }
                default -> { // the counts and lengths at the beginning
                    if (bytes.length >= 32) {
                        buffer.putLong(8 * (1 + random.nextInt(3)), value);
                    }
                }
            }
        }
        return bytes;
    }

    /** Replaces a value, drops, doubles or changes a character. */
    private static String damageJson(String json, Random random) {
        if (json.isEmpty()) {
            return json;
        }
        int at = random.nextInt(json.length());
        switch (random.nextInt(5)) {
            case 0 -> {
                int colon = json.indexOf(':', at);
                if (colon < 0) {
                    return json;
                }
                int end = colon + 1;
                while (end < json.length() && ",}".indexOf(json.charAt(end)) < 0) {
                    end++;
                }
                String value = JSON_VALUES[random.nextInt(JSON_VALUES.length)];
                return json.substring(0, colon + 1) + value + json.substring(end);
            }
            case 1 -> {
                return json.substring(0, at) + json.substring(at + 1);
            }
            case 2 -> {
                return json.substring(0, at) + json.charAt(at) + json.substring(at);
            }
            case 3 -> {
                char other = (char) (32 + random.nextInt(95));
                return json.substring(0, at) + other + json.substring(at + 1);
            }
            default -> {
                return json.substring(0, at + 1);
            }
        }
    }
}
