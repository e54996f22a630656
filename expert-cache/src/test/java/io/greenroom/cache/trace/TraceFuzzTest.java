package io.greenroom.cache.trace;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
 * Damages traces at random, with and without mending the checksums, so that the checks behind them
 * are met as well. Whatever comes out, reading gives steps that fit the header, or a {@link
 * TraceException} that names the file; and the heap it takes is bounded by the file's size.
 */
class TraceFuzzTest {

    /** Deflate packs a thousandfold, an id of a byte becomes an int, and all is held twice. */
    private static final long HEAP_PER_BYTE = 1032 * 16;

    private static final long HEAP_CONSTANT = 4 << 20;

    private static final int[] INTERESTING = {
        0, 1, 2, 255, 256, 65535, 65536, 1 << 20, Integer.MAX_VALUE, Integer.MIN_VALUE, -1
    };

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final int FILES = 200;

    private static Path file;
    private static byte[][] whole;

    @BeforeContainer
    static void writeTraces() throws IOException {
        file = Files.createTempFile("fuzz", ".trace");
        whole = new byte[FILES][];
        for (int i = 0; i < FILES; i++) {
            Random random = new Random(i);
            TraceHeader header = RandomTraces.header(random);
            Files.delete(file);
            RandomTraces.write(
                    file, header, RandomTraces.steps(header, random.nextInt(6), random), 2);
            whole[i] = Files.readAllBytes(file);
        }
    }

    @AfterContainer
    static void deleteFile() throws IOException {
        Files.delete(file);
    }

    @Property(tries = 6000, shrinking = ShrinkingMode.OFF)
    void damagedTraces(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        TraceHeader header = RandomTraces.header(random);
        Files.delete(file);
        RandomTraces.write(file, header, RandomTraces.steps(header, random.nextInt(6), random), 2);
        byte[] damaged = damage(Files.readAllBytes(file), random);
        if (random.nextInt(4) > 0) {
            mendChecksums(damaged);
        }
        Files.write(file, damaged);
        readDamaged(damaged.length);
    }

    private static void readDamaged(long bytes) {
        Thread thread = Thread.currentThread();
        long before = THREADS.getThreadAllocatedBytes(thread.getId());
        String refusal = null;
        RoutingTrace trace = null;
        try {
            trace = RoutingTrace.read(file);
        } catch (TraceException e) {
            refusal = e.getMessage();
        }
        long heap = THREADS.getThreadAllocatedBytes(thread.getId()) - before;
        assertThat(heap).isLessThan(HEAP_CONSTANT + HEAP_PER_BYTE * bytes);
        if (trace == null) {
            assertThat(refusal).startsWith("Trace " + file + ": ");
        } else {
            StepCheck check = new StepCheck(trace.header());
            trace.steps().forEach(check::check);
        }
    }

    private static byte[] damage(byte[] from, Random random) {
        byte[] bytes = from.clone();
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt();
                case 2 -> {
                    if (at + 4 <= bytes.length) {
                        int value = INTERESTING[random.nextInt(INTERESTING.length)];
                        little(bytes).putInt(at, value);
                    }
                }
                case 3 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
                case 4 -> bytes = Arrays.copyOf(bytes, bytes.length + random.nextInt(100));
                default -> { // moves a stretch
                    int length = random.nextInt(Math.min(64, bytes.length - at) + 1);
                    int to = random.nextInt(bytes.length - length + 1);
                    System.arraycopy(bytes, at, bytes, to, length);
                }
            }
        }
        return bytes;
    }

    /** Makes checksums right wherever the file's own lengths say they are. */
    private static void mendChecksums(byte[] bytes) {
        ByteBuffer file = little(bytes);
        if (bytes.length < TraceFormat.PREAMBLE_BYTES) {
            return;
        }
        long at = TraceFormat.PREAMBLE_BYTES + Integer.toUnsignedLong(file.getInt(12));
        if (at + 4 > bytes.length) {
            return;
        }
        file.putInt((int) at, HeaderCodec.crc(bytes, (int) at));
        at += 4;
        while (at + TraceFormat.CHUNK_BYTES <= bytes.length) {
            int from = (int) at;
            if (file.getInt(from) == TraceFormat.END) {
                if (from + TraceFormat.END_BYTES <= bytes.length) {
                    byte[] end = Arrays.copyOfRange(bytes, from, from + TraceFormat.END_BYTES);
                    file.putInt(
                            from + TraceFormat.END_BYTES - 4,
                            HeaderCodec.crc(end, TraceFormat.END_BYTES - 4));
                }
                return;
            }
            at += TraceFormat.CHUNK_BYTES + Integer.toUnsignedLong(file.getInt(from + 4));
            if (at > bytes.length) {
                return;
            }
            byte[] chunk = Arrays.copyOfRange(bytes, from, (int) at);
            file.putInt(from + 16, ChunkDecoder.crc(chunk, chunk.length));
        }
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
