package io.greenroom.cache.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;

/** What is written is read, for traces of any shape; and of a file cut anywhere, a beginning. */
class RoutingTracePropertyTest {

    private Path file = Path.of("");

    @BeforeTry
    void newFile() throws IOException {
        file = Files.createTempFile("property", ".trace");
    }

    @AfterTry
    void deleteFile() throws IOException {
        Files.delete(file);
    }

    @Property(tries = 300)
    void readingGivesWhatWasWritten(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        TraceHeader header = RandomTraces.header(random);
        List<TraceStep> steps = RandomTraces.steps(header, random.nextInt(20), random);
        RandomTraces.write(file, header, steps, 1 + random.nextInt(20));

        RoutingTrace read = RoutingTrace.read(file);

        assertThat(read.header()).isEqualTo(header);
        assertThat(read.steps()).isEqualTo(steps);
        assertThat(read.end()).contains(new TraceEnd(steps.size(), read.rows(), 0, false));
    }

    @Property(tries = 300)
    void ofACutFileTheWholeChunksAreRead(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        TraceHeader header = RandomTraces.header(random);
        int stepsPerChunk = 1 + random.nextInt(5);
        List<TraceStep> steps =
                RandomTraces.steps(header, stepsPerChunk * (1 + random.nextInt(4)), random);
        RandomTraces.write(file, header, steps, stepsPerChunk);
        byte[] whole = Files.readAllBytes(file);
        int begin = HeaderCodec.encode(header).length;
        int cut = begin + random.nextInt(whole.length - begin);
        Files.write(file, Arrays.copyOf(whole, cut));

        try (RoutingTraceReader reader = RoutingTraceReader.open(file)) {
            int read = 0;
            while (reader.hasNext()) {
                assertThat(reader.next()).isEqualTo(steps.get(read++));
            }
            assertThat(read % stepsPerChunk).isZero();
            assertThat(reader.end()).isEmpty();
            assertThat(reader.truncation().orElse("")).startsWith("ends at byte " + cut);
        }
    }
}
