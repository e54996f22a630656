package io.greenroom.offload.memory;

import io.greenroom.cache.ByteSize;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What an allocator had handed out at one moment.
 *
 * @param usage by tag; a tag without blocks is missing
 */
public record MemorySnapshot(Map<MemoryTag, Usage> usage) {

    /**
     * Native memory of one tag.
     *
     * @param blocks allocations not yet closed
     * @param bytes their sum
     */
    public record Usage(int blocks, long bytes) {

        static final Usage NONE = new Usage(0, 0);

        Usage plus(long moreBytes) {
            return new Usage(blocks + 1, bytes + moreBytes);
        }

        Usage minus(long fewerBytes) {
            return new Usage(blocks - 1, bytes - fewerBytes);
        }
    }

    public MemorySnapshot {
        usage = Map.copyOf(usage);
    }

    public Usage of(MemoryTag tag) {
        return usage.getOrDefault(tag, Usage.NONE);
    }

    public long totalBytes() {
        return usage.values().stream().mapToLong(Usage::bytes).sum();
    }

    /** For example {@code EXPERT_ARENA 6.0 GiB in 1, KV_CACHE 512.0 MiB in 2}. */
    @Override
    public String toString() {
        if (usage.isEmpty()) {
            return "nothing";
        }
        return new EnumMap<>(usage)
                .entrySet().stream()
                        .map(
                                entry ->
                                        entry.getKey()
                                                + " "
                                                + new ByteSize(entry.getValue().bytes())
                                                + " in "
                                                + entry.getValue().blocks())
                        .collect(Collectors.joining(", "));
    }
}
