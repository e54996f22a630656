package io.greenroom.plugin.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What Linux says this process holds, in bytes.
 *
 * @param resident all of it: VmRSS
 * @param anonymous without files: RssAnon, the heap and native memory
 * @param peak most that was resident, since {@link #forgetPeak}: VmHWM
 */
record ProcessMemory(long resident, long anonymous, long peak) {

    private static final Path STATUS = Path.of("/proc/self/status");

    /**
     * Reads /proc/self/status.
     *
     * @throws IOException if the system has no such file
     */
    static ProcessMemory now() throws IOException {
        long resident = 0;
        long anonymous = 0;
        long peak = 0;
        for (String line : Files.readAllLines(STATUS)) {
            if (line.startsWith("VmRSS:")) {
                resident = kibibytes(line);
            } else if (line.startsWith("RssAnon:")) {
                anonymous = kibibytes(line);
            } else if (line.startsWith("VmHWM:")) {
                peak = kibibytes(line);
            }
        }
        return new ProcessMemory(resident, anonymous, peak);
    }

    /** From now on, {@link #peak} counts anew; where the system refuses that, it does not. */
    static void forgetPeak() {
        try {
            Files.writeString(Path.of("/proc/self/clear_refs"), "5");
        } catch (IOException e) {
            // An older peak is reported then, which is no less than the new one.
        }
    }

    private static long kibibytes(String line) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
    }
}
