package io.greenroom.offload.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Linux says this process holds. */
public final class ProcessMemory {

    private ProcessMemory() {}

    /**
     * A range of addresses.
     *
     * @param address where it begins
     * @param bytes its length
     */
    public record Mapping(long address, long bytes) {

        /** Bytes of it that are memory, by /proc/self/smaps. */
        public long residentBytes() throws IOException {
            long resident = 0;
            boolean inside = false;
            for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
                if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                    String[] ends = line.substring(0, line.indexOf(' ')).split("-", 2);
                    long start = Long.parseUnsignedLong(ends[0], 16);
                    long end = Long.parseUnsignedLong(ends[1], 16);
                    inside = start >= address && end <= address + bytes;
                } else if (inside && line.startsWith("Rss:")) {
                    resident += Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                }
            }
            return resident;
        }
    }
}
