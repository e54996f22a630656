package io.greenroom.offload.decoder;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * How many cores there are, hardware threads of one core counted once: two threads of one core
 * share its arithmetic units, so kernels gain nothing from both.
 */
final class PhysicalCores {

    private static final Path CPUS = Path.of("/sys/devices/system/cpu");

    private PhysicalCores() {}

    /** Cores this process may use, at least 1; logical processors where the system does not say. */
    static int available() {
        return Math.min(count(CPUS), Runtime.getRuntime().availableProcessors());
    }

    /**
     * @param cpus the kernel's folder of processors
     * @return number of cores in it, or {@link Integer#MAX_VALUE} if it does not say
     */
    static int count(Path cpus) {
        Set<String> cores = new HashSet<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(cpus, "cpu[0-9]*")) {
            for (Path folder : folders) {
                Path siblings = folder.resolve("topology").resolve("thread_siblings_list");
                if (Files.isReadable(siblings)) {
                    cores.add(Files.readString(siblings).trim());
                }
            }
        } catch (IOException e) {
            return Integer.MAX_VALUE;
        }
        return cores.isEmpty() ? Integer.MAX_VALUE : cores.size();
    }
}
