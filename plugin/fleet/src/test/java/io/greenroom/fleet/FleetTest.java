package io.greenroom.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class FleetTest {

    @TempDir private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return Fleet.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    @Test
    void theTopologyIsDescribed() {
        int code =
                run(
                        "--bootstrap-servers",
                        "none:1",
                        "--describe",
                        "--windows",
                        "5s,2m",
                        "--heat-topic",
                        "none");
        assertThat(code).as(err.toString()).isZero();
        assertThat(out.toString())
                .contains("usage-5s", "usage-120s", "greenroom.expert-usage")
                .doesNotContain("greenroom.heat");
    }

    @Test
    void mistakesAreTold() {
        assertThat(run()).isEqualTo(2);
        assertThat(err.toString()).contains("--bootstrap-servers");
        assertThat(run("--bootstrap-servers", "a:1", "--windows", "soon")).isEqualTo(2);
        assertThat(err.toString()).contains("write a time like 10s, 5m or 1h");
        assertThat(run("--bootstrap-servers", "a:1", "--windows", "0s")).isEqualTo(2);
        assertThat(err.toString()).contains("must be above 0");
        Path missing = folder.resolve("missing.properties");
        assertThat(run("--bootstrap-servers", "a:1", "--config", missing.toString())).isEqualTo(1);
        assertThat(err.toString())
                .contains("greenroom-fleet: The properties " + missing + " cannot be read");
    }

    @Test
    void allPropertiesOfStreamsCanBeSet() throws Exception {
        Path file =
                Files.writeString(
                        folder.resolve("streams.properties"),
                        "processing.guarantee=exactly_once_v2\nnum.stream.threads=2\n"
                                + "application.id=mine\n");
        Fleet fleet = new Fleet();
        new CommandLine(fleet)
                .registerConverter(Duration.class, text -> Duration.ofSeconds(1))
                .parseArgs(
                        "--bootstrap-servers",
                        "a:1,b:2",
                        "--config",
                        file.toString(),
                        "--property",
                        "num.stream.threads=3",
                        "--property",
                        "commit.interval.ms=200");
        Properties properties = fleet.streamsProperties();
        assertThat(properties)
                .containsEntry("processing.guarantee", "exactly_once_v2")
                .containsEntry("num.stream.threads", "3")
                .containsEntry("commit.interval.ms", "200")
                .containsEntry("application.id", "greenroom-fleet")
                .containsEntry("bootstrap.servers", "a:1,b:2");
    }
}
