package io.greenroom.plugin.telemetry.prometheus;

import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.plugin.telemetry.UsageRecord;
import java.time.Instant;
import java.util.List;

/** Usage records for tests. */
final class TestRecords {

    private TestRecords() {}

    /** Of the second before {@code end}. */
    static UsageRecord of(String model, Instant end, UsageSnapshot usage) {
        return new UsageRecord(
                new UsageRecord.Origin(model, "0123", "host", "instance"),
                0,
                end.minusSeconds(1),
                end,
                1,
                1,
                new UsageRecord.Memory(800, 100, 8, 8, List.of(1, 1)),
                usage);
    }
}
