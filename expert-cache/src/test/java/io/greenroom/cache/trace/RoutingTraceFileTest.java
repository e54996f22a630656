package io.greenroom.cache.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is refused, and in which words; and the file's limit. */
class RoutingTraceFileTest {

    private static final TraceHeader HEADER =
            new TraceHeader("m", "f", 8, 2, 4, 0, true, 4096, new long[] {0, 4000}, Set.of());

    @TempDir private Path folder;

    @Test
    void whatIsNoTraceIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("text"), "this is no trace at all");
        assertRefused(file, "does not begin with GRNTRACE at byte 0; it is no routing trace");
        assertRefused(folder.resolve("none"), "there is no such file");
        assertRefused(folder, "is not a regular file");
        assertRefused(
                Files.writeString(folder.resolve("short"), "GRN"),
                "has 3 bytes, fewer than the 16 every trace begins with");
    }

    @Test
    void anotherMajorVersionIsNamed() throws IOException {
        Path file = trace(List.of());
        patch(file, 8, bytes -> bytes.putShort(8, (short) 7));
        assertRefused(
                file,
                "is of format version 7 at byte 8, but this program reads version 1; use a newer"
                        + " Greenroom");
    }

    @Test
    void unknownFlagsAreNamed() throws IOException {
        Path file = trace(List.of());
        patchHeader(file, bytes -> bytes.putInt(16, 0x20));
        assertRefused(
                file,
                "has flags 0x20 at byte 16 that this program does not know (it knows 0x1000f); use"
                        + " a newer Greenroom");
    }

    @Test
    void aNewerMinorVersionMayHaveMoreInItsHeader() throws IOException {
        byte[] encoded = HeaderCodec.encode(HEADER);
        int end = encoded.length - 4;
        ByteBuffer longer = ByteBuffer.allocate(encoded.length + 3).order(ByteOrder.LITTLE_ENDIAN);
        longer.put(encoded, 0, end).put(new byte[3]);
        longer.putShort(10, (short) 1).putInt(12, end - 16 + 3);
        longer.putInt(HeaderCodec.crc(longer.array(), end + 3));
        Path file = Files.write(folder.resolve("newer"), longer.array());

        assertThat(RoutingTrace.read(file).header()).isEqualTo(HEADER);

        longer.putShort(10, (short) 0);
        longer.putInt(end + 3, HeaderCodec.crc(longer.array(), end + 3));
        Files.write(file, longer.array());
        assertRefused(
                file,
                "length in the header at byte 16 is 3 bytes too long, expected no more bytes; the"
                        + " file is damaged");
    }

    @Test
    void aShapeThatMakesNoSenseIsNamed() throws IOException {
        Path file = trace(List.of());
        patchHeader(file, bytes -> bytes.putInt(16 + 4 + 6 + 4 + 4, 9)); // k of 8 experts
        assertRefused(
                file,
                "the header at byte 16 makes no sense: experts per token is 9, expected 1 to 8");
    }

    @Test
    void aDamagedHeaderAndADamagedChunkAreTold() throws IOException {
        Path file = trace(RandomTraces.steps(HEADER, 3, new Random(1)));
        int begin = HeaderCodec.encode(HEADER).length;
        patch(file, begin + 30, bytes -> bytes.put(begin + 30, (byte) ~bytes.get(begin + 30)));
        try (RoutingTraceReader reader = RoutingTraceReader.open(file)) {
            assertThatThrownBy(reader::next)
                    .isInstanceOf(TraceException.class)
                    .hasMessage(
                            "Trace %s: the checksum of the chunk at byte %d is wrong; the file is"
                                    + " damaged",
                            file, begin);
        }
        patch(file, 20, bytes -> bytes.put(20, (byte) 9));
        assertRefused(
                file,
                "the checksum of the header at byte "
                        + (begin - 4)
                        + " is wrong; the file is"
                        + " damaged");
    }

    @Test
    void bytesAfterTheEndAreRefused() throws IOException {
        Path file = trace(List.of());
        long end = Files.size(file) - TraceFormat.END_BYTES;
        Files.write(file, new byte[5], StandardOpenOption.APPEND);
        assertThatThrownBy(() -> RoutingTrace.read(file))
                .hasMessage(
                        "Trace %s: goes on for 5 bytes after its end mark at byte %d, expected"
                                + " none; the file is damaged",
                        file, end);
    }

    @Test
    void anExistingFileIsLeftAlone() throws IOException {
        Path file = Files.writeString(folder.resolve("precious"), "precious");
        assertThatThrownBy(() -> RoutingTraceWriter.create(file, HEADER, 1000))
                .isInstanceOf(FileAlreadyExistsException.class)
                .hasMessage(
                        "%s: it holds something already, and a trace overwrites nothing: name"
                                + " another file, or move that one away",
                        file);
        assertThat(file).hasContent("precious");
        assertThatThrownBy(() -> RoutingTraceWriter.create(folder, HEADER, 1000))
                .isInstanceOf(FileAlreadyExistsException.class)
                .hasMessage("%s: it is not a regular file", folder);

        Path empty = Files.createFile(folder.resolve("empty"));
        RoutingTraceWriter.create(empty, HEADER, 1000).close();
        assertThat(RoutingTrace.read(empty).header()).isEqualTo(HEADER);
    }

    @Test
    void theFileNeverGrowsBeyondItsLimit() throws IOException {
        Random random = new Random(2);
        for (long limit : new long[] {120, 200, 500, 3000}) {
            Path file = folder.resolve("limit-" + limit);
            try (RoutingTraceWriter writer = RoutingTraceWriter.create(file, HEADER, limit)) {
                for (int i = 0; i < 1000; i++) {
                    writer.write(RandomTraces.step(HEADER, random));
                    writer.flush();
                }
                assertThat(writer.isFull()).isTrue();
                assertThat(writer.write(RandomTraces.step(HEADER, random))).isFalse();
                writer.close(17);
            }
            assertThat(Files.size(file)).isLessThanOrEqualTo(limit);
            RoutingTrace trace = RoutingTrace.read(file);
            assertThat(trace.end())
                    .contains(new TraceEnd(trace.steps().size(), trace.rows(), 17, true));
        }
        assertThatThrownBy(() -> RoutingTraceWriter.create(folder.resolve("no"), HEADER, 10))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching(
                        "A trace of this model takes at least \\d+ bytes, the limit is 10");
        assertThat(folder.resolve("no")).doesNotExist();
    }

    @Test
    void aStepThatDoesNotFitTheHeaderIsRefused() throws IOException {
        TraceHeader other =
                new TraceHeader("m", "f", 9, 2, 4, 0, true, 4096, new long[] {0, 4000}, Set.of());
        try (RoutingTraceWriter writer =
                RoutingTraceWriter.create(folder.resolve("t"), HEADER, 1000)) {
            assertThatThrownBy(
                            () -> {
                                Random random = new Random(3);
                                for (int i = 0; i < 100; i++) {
                                    writer.write(RandomTraces.step(other, random));
                                }
                            })
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("Expert 8 is not one of 8, or stands twice in its row");
        }
    }

    private Path trace(List<TraceStep> steps) throws IOException {
        Path file = folder.resolve("trace");
        RandomTraces.write(file, HEADER, steps, 100);
        return file;
    }

    private interface Patch {
        void apply(ByteBuffer bytes);
    }

    private static void patch(Path file, int at, Patch patch) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        assertThat(bytes).hasSizeGreaterThan(at);
        patch.apply(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        Files.write(file, bytes);
    }

    private static void patchHeader(Path file, Patch patch) throws IOException {
        int end = HeaderCodec.encode(HEADER).length - 4;
        patch(
                file,
                end,
                bytes -> {
                    patch.apply(bytes);
                    bytes.putInt(end, HeaderCodec.crc(bytes.array(), end));
                });
    }

    private static void assertRefused(Path file, String problem) {
        assertThatThrownBy(() -> RoutingTraceReader.open(file))
                .isInstanceOf(TraceException.class)
                .hasMessage("Trace " + file + ": " + problem);
    }
}
