package io.greenroom.plugin.telemetry;

import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.usage.ExpertUsage;
import java.time.Instant;
import java.util.List;

/** Records for tests. */
final class Records {

    static final UsageRecord.Origin ORIGIN =
            new UsageRecord.Origin("demo", "0123456789abcdef0123456789abcdef", "host-1", "i-1");

    private Records() {}

    /** A record of a model of 2 layers of 4 experts in which layer 1 was used. */
    static UsageRecord record(long sequence) {
        ExpertUsage usage = new ExpertUsage(2, 4, id -> 100);
        usage.routed(1, new int[] {0, 3, 3}, 3);
        usage.on(Event.HIT, new ExpertId(1, 3), 0);
        usage.on(Event.MISS, new ExpertId(1, 0), -1);
        usage.on(Event.LOADED, new ExpertId(1, 0), 1);
        usage.settled(new ExpertId(1, 0), 500_000_000);
        Instant begin = Instant.parse("2026-01-02T03:04:05Z").plusSeconds(sequence);
        return new UsageRecord(
                ORIGIN,
                sequence,
                begin,
                begin.plusSeconds(1),
                5,
                30,
                new UsageRecord.Memory(800, 100, 8, 8, List.of(0, 2)),
                usage.snapshot());
    }
}
