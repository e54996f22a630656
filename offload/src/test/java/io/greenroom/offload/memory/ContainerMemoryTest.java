package io.greenroom.offload.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Limits from files as Linux writes them. */
class ContainerMemoryTest {

    private static final long MIB = 1 << 20;

    @TempDir Path root;

    @BeforeEach
    void aMachineWith1000MiB() throws IOException {
        write("proc/meminfo", "MemTotal: 9999999 kB\nMemFree: 5 kB\nMemAvailable:    1024000 kB\n");
    }

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private ContainerMemory.Available available() {
        return new ContainerMemory(root.resolve("proc"), root.resolve("cgroup")).available();
    }

    @Test
    void withoutAControlGroupTheMachineCounts() {
        assertThat(available().bytes()).isEqualTo(1000 * MIB);
        assertThat(available().source()).endsWith("proc/meminfo");
    }

    @Test
    void withoutAnythingThereIsNoLimit() throws IOException {
        Files.delete(root.resolve("proc/meminfo"));
        assertThat(available().bytes()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void version2CountsTheTightestGroupAround() throws IOException {
        write("proc/self/cgroup", "0::/pod/app\n");
        write("cgroup/pod/app/memory.max", "max\n");
        write("cgroup/pod/app/memory.current", MIB + "\n");
        assertThat(available().bytes()).isEqualTo(1000 * MIB);
        write("cgroup/pod/memory.max", 500 * MIB + "\n");
        write("cgroup/pod/memory.current", 200 * MIB + "\n");
        assertThat(available().bytes()).isEqualTo(300 * MIB);
        assertThat(available().source()).endsWith("cgroup/pod/memory.max");
        write("cgroup/pod/app/memory.max", 100 * MIB + "\n");
        assertThat(available().bytes()).isEqualTo(99 * MIB);
        write("cgroup/pod/app/memory.high", 70 * MIB + "\n");
        assertThat(available().bytes()).isEqualTo(69 * MIB);
        write("cgroup/pod/app/memory.high", "max\n");
        // page cache that the kernel drops before it kills
        write("cgroup/pod/memory.stat", "anon 5\ninactive_file " + 50 * MIB + "\n");
        write("cgroup/pod/app/memory.max", "max\n");
        assertThat(available().bytes()).isEqualTo(350 * MIB);
    }

    @Test
    void version2InsideAContainerWhereTheHostsPathDoesNotExist() throws IOException {
        write("proc/self/cgroup", "0::/kubepods/pod1/../../..\n");
        write("cgroup/memory.max", 64 * MIB + "\n");
        write("cgroup/memory.current", 60 * MIB + "\n");
        assertThat(available().bytes()).isEqualTo(4 * MIB);
        write("proc/self/cgroup", "0::/kubepods/pod1\n");
        assertThat(available().bytes()).isEqualTo(4 * MIB);
    }

    @Test
    void version1IsReadToo() throws IOException {
        write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n");
        write("cgroup/memory/docker/abc/memory.limit_in_bytes", 800 * MIB + "\n");
        write("cgroup/memory/docker/abc/memory.usage_in_bytes", 300 * MIB + "\n");
        write("cgroup/memory/docker/abc/memory.stat", "total_inactive_file " + 100 * MIB + "\n");
        write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("cgroup/memory/memory.usage_in_bytes", "5\n");
        assertThat(available().bytes()).isEqualTo(600 * MIB);
    }

    @Test
    void usageBeyondTheLimitLeavesNothing() throws IOException {
        write("proc/self/cgroup", "0::/\n");
        write("cgroup/memory.max", 10 * MIB + "\n");
        write("cgroup/memory.current", 11 * MIB + "\n");
        assertThat(available().bytes()).isZero();
    }

    @Test
    void nonsenseDoesNotCount() throws IOException {
        write("proc/self/cgroup", "nonsense\n0::/a\n");
        write("cgroup/a/memory.max", "lots\n");
        write("cgroup/a/memory.current", "\n");
        assertThat(available().bytes()).isEqualTo(1000 * MIB);
    }

    @Test
    void thisMachineSaysSomething() {
        assertThat(new ContainerMemory().available().bytes()).isPositive();
    }
}
