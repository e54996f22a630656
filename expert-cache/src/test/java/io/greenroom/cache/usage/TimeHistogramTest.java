package io.greenroom.cache.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class TimeHistogramTest {

    @Test
    void aTimeGoesIntoTheFirstBucketThatHoldsIt() {
        TimeHistogram histogram = TimeHistogram.ofSeconds(0, 0.001, 0.5);
        for (long nanos :
                new long[] {-5, 0, 1, 1_000_000, 1_000_001, 500_000_000, 9_000_000_000L}) {
            histogram.note(nanos);
        }

        TimeCounts counts = histogram.snapshot();
        assertThat(counts.buckets()).isEqualTo(4);
        assertThat(counts.boundSeconds(1)).isEqualTo(0.001);
        assertThat(counts.boundSeconds(3)).isInfinite();
        assertThat(counts.count(0)).isEqualTo(2); // one that ran backwards
        assertThat(counts.count(1)).isEqualTo(2);
        assertThat(counts.count(2)).isEqualTo(2);
        assertThat(counts.count(3)).isEqualTo(1);
        assertThat(counts.count()).isEqualTo(7);
        assertThat(counts.sumNanos())
                .isEqualTo(1 + 1_000_000 + 1_000_001 + 500_000_000 + 9_000_000_000L);
    }

    @Property(tries = 200)
    void nothingIsLost(@ForAll @Size(max = 100) List<@LongRange(min = 0, max = 5000) Long> times) {
        TimeHistogram histogram = new TimeHistogram(10, 100, 1000);
        times.forEach(histogram::note);

        TimeCounts counts = histogram.snapshot();
        assertThat(counts.count()).isEqualTo(times.size());
        assertThat(counts.sumNanos()).isEqualTo(times.stream().mapToLong(t -> t).sum());
        assertThat(counts.count(0)).isEqualTo(times.stream().filter(t -> t <= 10).count());
        assertThat(counts.count(3)).isEqualTo(times.stream().filter(t -> t > 1000).count());
    }

    /** One writes, another reads: what was read once is never taken back. */
    @Test
    void readersSeeCountsGrow() throws Exception {
        TimeHistogram histogram = new TimeHistogram(1);
        CountDownLatch begun = new CountDownLatch(1);
        Thread writer =
                new Thread(
                        () -> {
                            begun.countDown();
                            for (int i = 0; i < 100_000; i++) {
                                histogram.note(i % 3);
                            }
                        });
        writer.start();
        begun.await();
        List<Long> seen = new ArrayList<>();
        while (writer.isAlive()) {
            seen.add(histogram.snapshot().count());
        }
        writer.join();

        assertThat(seen).isSorted();
        assertThat(histogram.snapshot().count()).isEqualTo(100_000);
        assertThat(histogram.snapshot().sumNanos()).isEqualTo(99_999);
    }

    @Test
    void boundsMustAscend() {
        assertThatThrownBy(() -> new TimeHistogram(5, 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Bounds must ascend, but 5 ns comes after 5 ns");
        assertThatThrownBy(TimeHistogram::new)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A histogram needs at least one bound");
    }
}
