package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PhysicalCoresTest {

    @TempDir private Path cpus;

    @Test
    void hardwareThreadsOfOneCoreCountOnce() throws IOException {
        cpu("cpu0", "0,2");
        cpu("cpu1", "1,3");
        cpu("cpu2", "0,2");
        cpu("cpu3", "1,3");
        Files.createDirectory(cpus.resolve("cpufreq"));
        assertThat(PhysicalCores.count(cpus)).isEqualTo(2);
    }

    @Test
    void aSystemThatDoesNotSayLeavesItToTheRuntime() throws IOException {
        Files.createDirectory(cpus.resolve("cpu0"));
        assertThat(PhysicalCores.count(cpus)).isEqualTo(Integer.MAX_VALUE);
        assertThat(PhysicalCores.count(cpus.resolve("nothing"))).isEqualTo(Integer.MAX_VALUE);
        assertThat(PhysicalCores.available())
                .isBetween(1, Runtime.getRuntime().availableProcessors());
    }

    private void cpu(String name, String siblings) throws IOException {
        Path topology = Files.createDirectories(cpus.resolve(name).resolve("topology"));
        Files.writeString(topology.resolve("thread_siblings_list"), siblings + "\n");
    }
}
