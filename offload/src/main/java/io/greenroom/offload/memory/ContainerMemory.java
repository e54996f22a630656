package io.greenroom.offload.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * How much memory this process may still take before the kernel kills it. In a container the
 * machine's free memory says nothing about that: the limit is the control group's, or that of any
 * group around it, so the tightest counts. Without a limit it is what the machine has available.
 *
 * <p>Page cache counts as used in a control group until it is dropped, but the kernel drops it
 * before it kills; inactive file pages therefore count as available.
 */
public final class ContainerMemory {

    private static final Path PROC = Path.of("/proc");
    private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

    /** Version 1 writes a number near this for "no limit"; no machine has as much. */
    private static final long UNLIMITED = 1L << 60;

    private final Path proc;
    private final Path cgroups;

    /** What this machine says. */
    public ContainerMemory() {
        this(PROC, CGROUPS);
    }

    /** For tests: other roots in place of /proc and /sys/fs/cgroup. */
    ContainerMemory(Path proc, Path cgroups) {
        this.proc = proc;
        this.cgroups = cgroups;
    }

    /**
     * Bytes that can still be taken.
     *
     * @param bytes at least 0
     * @param source the file that says so, for log lines
     */
    public record Available(long bytes, String source) {}

    /** Reads the files anew; values that cannot be read do not count. */
    public Available available() {
        Available least = machine();
        for (Path group : version2Groups()) {
            // above "high" the kernel does not kill, but slows everything down to a crawl
            for (String limit : List.of("memory.max", "memory.high")) {
                least = tighter(least, group, limit, "memory.current", "inactive_file");
            }
        }
        for (Path group : version1Groups()) {
            least =
                    tighter(
                            least,
                            group,
                            "memory.limit_in_bytes",
                            "memory.usage_in_bytes",
                            "total_inactive_file");
        }
        return least;
    }

    private Available machine() {
        Path meminfo = proc.resolve("meminfo");
        for (String line : lines(meminfo)) {
            String[] words = line.trim().split("\\s+", -1);
            if (words.length >= 2 && words[0].equals("MemAvailable:")) {
                return new Available(number(words[1]).orElse(0) * 1024, meminfo.toString());
            }
        }
        return new Available(Long.MAX_VALUE, "no limit known");
    }

    private static Available tighter(
            Available least, Path group, String limitFile, String usageFile, String dropped) {
        OptionalLong limit = first(group.resolve(limitFile));
        OptionalLong usage = first(group.resolve(usageFile));
        if (limit.isEmpty() || usage.isEmpty() || limit.getAsLong() >= UNLIMITED) {
            return least;
        }
        long droppable = 0;
        for (String line : lines(group.resolve("memory.stat"))) {
            if (line.startsWith(dropped + " ")) {
                droppable = number(line.substring(dropped.length() + 1)).orElse(0);
            }
        }
        long used = Math.max(0, usage.getAsLong() - droppable);
        long left = Math.max(0, limit.getAsLong() - used);
        return left < least.bytes()
                ? new Available(left, group.resolve(limitFile).toString())
                : least;
    }

    /** This process's group and those around it, innermost first. */
    private List<Path> version2Groups() {
        for (String line : lines(proc.resolve("self/cgroup"))) {
            if (line.startsWith("0::")) {
                return withParents(cgroups, line.substring("0::".length()));
            }
        }
        return List.of();
    }

    private List<Path> version1Groups() {
        for (String line : lines(proc.resolve("self/cgroup"))) {
            String[] parts = line.split(":", 3);
            if (parts.length == 3 && List.of(parts[1].split(",", -1)).contains("memory")) {
                return withParents(cgroups.resolve("memory"), parts[2]);
            }
        }
        return List.of();
    }

    /**
     * Inside a container the path may be that of the host, where the container sees its own group
     * as the root: groups that do not exist are passed over by whoever reads them.
     */
    private static List<Path> withParents(Path root, String path) {
        List<Path> groups = new ArrayList<>();
        Path group = root.resolve(path.replaceFirst("^/+", "")).normalize();
        while (group != null && group.startsWith(root)) {
            groups.add(group);
            group = group.getParent();
        }
        if (groups.isEmpty()) {
            groups.add(root);
        }
        return groups;
    }

    private static OptionalLong first(Path file) {
        List<String> lines = lines(file);
        return lines.isEmpty() ? OptionalLong.empty() : number(lines.get(0));
    }

    /** Empty for "max" and anything else that is no number. */
    private static OptionalLong number(String text) {
        try {
            return OptionalLong.of(Long.parseLong(text.trim()));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            return List.of();
        }
    }
}
