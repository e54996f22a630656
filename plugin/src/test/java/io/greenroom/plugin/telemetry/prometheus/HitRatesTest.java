package io.greenroom.plugin.telemetry.prometheus;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.ExpertId;
import io.greenroom.plugin.engine.FakeMoeModel;
import io.greenroom.plugin.telemetry.UsageRecord;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class HitRatesTest {

    private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

    private final HitRates rates = new HitRates();

    @Test
    void recordsOfTheLastMinuteCount() {
        rates.add(record("demo", 0, 3, 1));
        rates.add(record("demo", 40, 0, 4));
        rates.add(record("other", 40, 5, 0));

        assertThat(rates.of("demo", START.plusSeconds(50))).hasValue(3 / 8.0);
        assertThat(rates.of("other", START.plusSeconds(50))).hasValue(1);
        assertThat(rates.of("demo", START.plusSeconds(61))).hasValue(0);
        assertThat(rates.of("demo", START.plusSeconds(101))).isEmpty();
        assertThat(rates.of("nobody", START)).isEmpty();
    }

    @Test
    void withoutExpertsThereIsNoRate() {
        rates.add(record("demo", 0, 0, 0));
        assertThat(rates.of("demo", START)).isEmpty();
    }

    private static UsageRecord record(String model, int second, int hits, int misses) {
        FakeMoeModel counted = new FakeMoeModel();
        for (int i = 0; i < hits; i++) {
            counted.counters().on(Event.HIT, new ExpertId(0, 1), 0);
        }
        for (int i = 0; i < misses; i++) {
            counted.counters().on(Event.MISS, new ExpertId(1, 2), -1);
        }
        return TestRecords.of(model, START.plusSeconds(second), counted.usage());
    }
}
