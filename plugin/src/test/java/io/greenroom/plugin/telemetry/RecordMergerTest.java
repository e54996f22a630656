package io.greenroom.plugin.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.LayerCounter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Records of {@link Records} cover a second each. */
class RecordMergerTest {

    private static final long SECOND = 1_000_000_000;

    private final RecordMerger merger = new RecordMerger(Duration.ofSeconds(3));

    @Test
    void threeSecondsAreOneRecord() {
        assertThat(merger.add(Records.record(0), 0)).isEmpty();
        assertThat(merger.add(Records.record(1), SECOND)).isEmpty();
        assertThat(merger.held()).isEqualTo(2);
        List<UsageRecord> out = merger.add(Records.record(2), 2 * SECOND);

        assertThat(out).hasSize(1);
        UsageRecord sum = out.get(0);
        assertThat(sum.intervals()).isEqualTo(3);
        assertThat(sum.sequence()).isEqualTo(2);
        assertThat(sum.begin()).isEqualTo(Records.record(0).begin());
        assertThat(sum.end()).isEqualTo(Records.record(2).end());
        assertThat(sum.tokensIn()).isEqualTo(15);
        assertThat(sum.tokensOut()).isEqualTo(90);
        assertThat(sum.memory()).isEqualTo(Records.record(2).memory());
        assertThat(sum.experts().get(ExpertCounter.ROUTED, 1, 3)).isEqualTo(6);
        assertThat(sum.experts().get(LayerCounter.STALL_NANOS, 1)).isEqualTo(3 * 500_000_000L);
        assertThat(merger.held()).isZero();
    }

    @Test
    void anIdleModelsSumGoesOutWhenItsTimeHasCome() {
        merger.add(Records.record(0), 10 * SECOND);
        assertThat(merger.patience(11 * SECOND)).isEqualTo(2 * SECOND);
        assertThat(merger.due(13 * SECOND - 1)).isEmpty();
        assertThat(merger.due(13 * SECOND)).hasSize(1);
        assertThat(merger.patience(13 * SECOND)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void whatIsMissingIsNotGlossedOver() {
        merger.add(Records.record(0), 0);
        List<UsageRecord> out = merger.add(Records.record(2), SECOND);

        assertThat(out).extracting(UsageRecord::sequence).containsExactly(0L);
        assertThat(merger.rest()).extracting(UsageRecord::intervals).containsExactly(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Records.record(0).plus(Records.record(2)))
                .withMessageContaining("does not follow");
    }

    @Test
    void withoutAnIntervalEachPassesAsItIs() {
        RecordMerger none = new RecordMerger(Duration.ZERO);
        UsageRecord record = Records.record(5);

        assertThat(none.add(record, 0)).containsExactly(record);
        assertThat(none.held()).isZero();
    }

    /** Whatever is lost on the way, sequence and intervals tell how much. */
    @Property(tries = 200)
    void nothingIsLostOrCountedTwice(
            @ForAll List<@IntRange(min = 1, max = 3) Integer> steps,
            @ForAll @IntRange(min = 0, max = 7) int seconds) {
        RecordMerger any = new RecordMerger(Duration.ofSeconds(seconds));
        List<UsageRecord> out = new ArrayList<>();
        long sequence = 0;
        for (int step : steps) {
            out.addAll(any.add(Records.record(sequence), sequence * SECOND));
            out.addAll(any.due(sequence * SECOND));
            sequence += step;
        }
        out.addAll(any.rest());

        long intervals = out.stream().mapToLong(UsageRecord::intervals).sum();
        assertThat(intervals).isEqualTo(steps.size());
        assertThat(out.stream().mapToLong(UsageRecord::tokensOut).sum())
                .isEqualTo(30L * steps.size());
        long gaps = 0;
        long last = -1;
        for (UsageRecord record : out) {
            gaps += record.sequence() - last - record.intervals();
            last = record.sequence();
        }
        assertThat(gaps).isEqualTo(last + 1 - intervals);
    }

    @Test
    void aLaneAddsUpForItsSinkAndDeliversTheRestAtItsEnd() throws Exception {
        List<UsageRecord> taken = new CopyOnWriteArrayList<>();
        CountDownLatch first = new CountDownLatch(1);
        UsageSink sink =
                new UsageSink() {
                    @Override
                    public String name() {
                        return "slow";
                    }

                    @Override
                    public Duration interval() {
                        return Duration.ofSeconds(2);
                    }

                    @Override
                    public void accept(UsageRecord record) {
                        taken.add(record);
                        first.countDown();
                    }

                    @Override
                    public Outstanding outstanding() {
                        return new Outstanding(1, 2, "late");
                    }
                };
        SinkLane lane = new SinkLane(sink, 10, Thread::new);
        for (int i = 0; i < 5; i++) {
            lane.offer(Records.record(i));
        }
        first.await();
        lane.close();

        assertThat(taken).extracting(UsageRecord::intervals).containsExactly(2, 2, 1);
        SinkStatus status = lane.status();
        assertThat(status.delivered()).isEqualTo(5 - 1 - 2);
        assertThat(status.dropped()).isEqualTo(2);
        assertThat(status.queued()).isEqualTo(1);
        assertThat(status.lastFailure()).isEqualTo("late");
    }

    @Test
    void aSinkThatIsOffGetsNothing() {
        UsageSink sink =
                new UsageSink() {
                    @Override
                    public String name() {
                        return "off";
                    }

                    @Override
                    public boolean isOn() {
                        return false;
                    }

                    @Override
                    public void accept(UsageRecord record) {
                        throw new AssertionError("it is off");
                    }
                };
        SinkLane lane = new SinkLane(sink, 10, Thread::new);
        lane.offer(Records.record(0));
        lane.close();

        assertThat(lane.status()).isEqualTo(new SinkStatus("off", "off", 0, 0, 0, 0, null));
    }
}
