package io.greenroom.plugin.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.plugin.engine.FakeMoeModel;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class UsageMeterTest {

    private static final Instant LOADED = Instant.parse("2026-01-02T03:04:05Z");

    private final FakeMoeModel model = new FakeMoeModel();
    private final UsageMeter meter = new UsageMeter(Records.ORIGIN, model, LOADED);

    @Test
    void aNameThatIsToldAfterTheLoadIsTheRecords() {
        meter.named("told later");
        model.counters().routed(0, new int[] {1}, 1);
        assertThat(meter.read(LOADED.plusSeconds(1)))
                .hasValueSatisfying(
                        record -> {
                            assertThat(record.origin().model()).isEqualTo("told later");
                            assertThat(record.origin().instance())
                                    .isEqualTo(Records.ORIGIN.instance());
                        });
    }

    @Test
    void aRecordHasWhatGrewSinceTheLast() {
        model.counters().routed(0, new int[] {1, 2}, 2);
        UsageRecord first = meter.read(LOADED.plusSeconds(1)).orElseThrow();
        model.counters().routed(0, new int[] {2}, 1);
        model.counters().on(Event.MISS, new ExpertId(0, 2), -1);
        UsageRecord second = meter.read(LOADED.plusSeconds(2)).orElseThrow();

        assertThat(first.sequence()).isZero();
        assertThat(first.begin()).isEqualTo(LOADED);
        assertThat(first.experts().sum(ExpertCounter.ROUTED)).isEqualTo(2);
        assertThat(second.sequence()).isEqualTo(1);
        assertThat(second.begin()).isEqualTo(first.end());
        assertThat(second.experts().sum(ExpertCounter.ROUTED)).isEqualTo(1);
        assertThat(second.experts().get(ExpertCounter.MISSES, 0, 2)).isEqualTo(1);
        assertThat(second.tokensOut()).isZero();
    }

    @Test
    void anIdleIntervalIsNoRecordAndTheNextBeginsAfterIt() {
        model.counters().routed(0, new int[] {1}, 1);
        meter.read(LOADED.plusSeconds(1)).orElseThrow();

        assertThat(meter.read(LOADED.plusSeconds(2))).isEqualTo(Optional.empty());
        model.counters().routed(1, new int[] {1}, 1);
        UsageRecord record = meter.read(LOADED.plusSeconds(3)).orElseThrow();
        assertThat(record.sequence()).isEqualTo(1);
        assertThat(record.begin()).isEqualTo(LOADED.plusSeconds(2));
    }

    @Test
    void residentsAreCountedByLayerAsTheyAreAtTheEnd() {
        model.counters().routed(0, new int[] {1}, 1);
        UsageRecord.Memory memory = meter.read(LOADED.plusSeconds(1)).orElseThrow().memory();

        assertThat(memory.residents()).containsExactly(2, 1);
        assertThat(memory.residentExperts()).isEqualTo(3);
        assertThat(memory.residentBytes()).isEqualTo(300);
        assertThat(memory.residentBytes(0)).isEqualTo(200);
    }
}
