package io.greenroom.cache.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.CacheListener;
import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.cache.LoadPriority;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ExpertUsageTest {

    private static final int LAYERS = 3;
    private static final int EXPERTS = 8;

    private final ExpertUsage usage = new ExpertUsage(LAYERS, EXPERTS, ExpertUsageTest::bytes);

    private static long bytes(ExpertId id) {
        return 1000 + 100 * id.layer() + id.expert();
    }

    @Test
    void countsTokensByExpert() {
        usage.routed(1, new int[] {3, 5, 3, 7}, 3);

        UsageSnapshot counts = usage.snapshot();
        assertThat(counts.get(ExpertCounter.ROUTED, 1, 3)).isEqualTo(2);
        assertThat(counts.get(ExpertCounter.ROUTED, 1, 5)).isEqualTo(1);
        assertThat(counts.get(ExpertCounter.ROUTED, 1, 7)).isZero();
        assertThat(counts.sum(ExpertCounter.ROUTED, 1)).isEqualTo(3);
        assertThat(counts.sum(ExpertCounter.ROUTED, 0)).isZero();
    }

    @Test
    void agreesWithTheCachesOwnCounters() throws Exception {
        Random random = new Random(7);
        Map<ExpertId, CompletableFuture<Void>> reading = new LinkedHashMap<>();
        ExpertLoader loader =
                new ExpertLoader() {
                    @Override
                    public CompletableFuture<Void> load(
                            ExpertId id, int slot, LoadPriority priority) {
                        CompletableFuture<Void> read = new CompletableFuture<>();
                        if (priority == LoadPriority.DEMAND || random.nextBoolean()) {
                            read.complete(null);
                        } else {
                            reading.put(id, read);
                        }
                        return read;
                    }

                    @Override
                    public boolean cancel(ExpertId id) {
                        CompletableFuture<Void> read = reading.remove(id);
                        return read != null
                                && read.completeExceptionally(new CancellationException());
                    }
                };
        ExpertCache cache =
                ExpertCache.builder(loader)
                        .shape(LAYERS, EXPERTS)
                        .slots(9)
                        .floor(2)
                        .expertBytes(ExpertUsageTest::bytes)
                        .listener(usage)
                        .build();
        for (int step = 0; step < 2000; step++) {
            int layer = step % LAYERS;
            int first = random.nextInt(EXPERTS);
            int[] wanted = {first, (first + 1 + random.nextInt(EXPERTS - 1)) % EXPERTS};
            try (ExpertVisit visit = cache.visit(layer, wanted)) {
                cache.prefetch(new ExpertId((layer + 1) % LAYERS, random.nextInt(EXPERTS)));
                if (random.nextInt(4) == 0) {
                    cache.expireHints((layer + 1) % LAYERS);
                }
                List.copyOf(reading.values()).forEach(read -> read.complete(null));
                reading.clear();
                for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
                    lease.close();
                }
            }
            if (step % 3 == 0) {
                cache.prefetch(new ExpertId((layer + 1) % LAYERS, random.nextInt(EXPERTS)));
            }
        }

        CacheStats stats = cache.stats();
        UsageSnapshot counts = usage.snapshot();
        assertThat(counts.sum(LayerCounter.STALL_NANOS)).isEqualTo(stats.stallNanos());
        assertThat(counts.sum(ExpertCounter.HITS)).isEqualTo(stats.hits()).isPositive();
        assertThat(counts.sum(ExpertCounter.MISSES)).isEqualTo(stats.misses()).isPositive();
        assertThat(counts.sum(ExpertCounter.LOADS)).isEqualTo(stats.loads());
        assertThat(counts.sum(ExpertCounter.BYTES_READ)).isEqualTo(stats.bytesLoaded());
        assertThat(counts.sum(ExpertCounter.PREFETCH_USEFUL))
                .isEqualTo(stats.prefetchUseful())
                .isPositive();
        assertThat(counts.sum(ExpertCounter.PREFETCH_LATE))
                .isEqualTo(stats.prefetchLate())
                .isPositive();
        assertThat(counts.sum(ExpertCounter.PREFETCH_WASTED))
                .isEqualTo(stats.prefetchWasted())
                .isPositive();
        assertThat(counts.sum(ExpertCounter.PREFETCH_CANCELLED))
                .isEqualTo(stats.background().hintsCancelled())
                .isPositive();
        List.copyOf(reading.values()).forEach(read -> read.complete(null));
        cache.close();
    }

    @Test
    void onlyHintsCountAsPrefetch() {
        ExpertId id = new ExpertId(1, 2);
        usage.on(CacheListener.Event.PREFETCH, id, 0);
        usage.on(CacheListener.Event.CANCELLED, id, 0);
        usage.on(CacheListener.Event.LOAD, id, 0);
        usage.on(CacheListener.Event.LOADED, id, 0);
        usage.on(CacheListener.Event.HIT, id, 0); // read on demand after the hint was called off
        usage.on(CacheListener.Event.EVICT, id, 0);
        usage.on(CacheListener.Event.BACKGROUND, id, 0);
        usage.on(CacheListener.Event.PROMOTE, id, 0); // a warm-up that a visit joined

        UsageSnapshot counts = usage.snapshot();
        assertThat(counts.sum(ExpertCounter.PREFETCH_USEFUL)).isZero();
        assertThat(counts.sum(ExpertCounter.PREFETCH_LATE)).isZero();
        assertThat(counts.sum(ExpertCounter.PREFETCH_WASTED)).isZero();
    }

    @Test
    void anIntervalIsTheDifferenceOfTwoSnapshots() {
        usage.routed(0, new int[] {1, 2}, 2);
        UsageSnapshot before = usage.snapshot();
        usage.routed(0, new int[] {1}, 1);

        UsageSnapshot interval = usage.snapshot().since(before);

        assertThat(interval.get(ExpertCounter.ROUTED, 0, 1)).isEqualTo(1);
        assertThat(interval.get(ExpertCounter.ROUTED, 0, 2)).isZero();
        assertThat(interval.sum(ExpertCounter.ROUTED)).isEqualTo(1);
    }

    @Test
    void refusesSnapshotsOfAnotherModel() {
        UsageSnapshot other = new ExpertUsage(2, 4, ExpertUsageTest::bytes).snapshot();

        assertThatThrownBy(() -> usage.snapshot().since(other))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Snapshots of 3x8 and 2x4 experts are not of the same model");
    }

    @Test
    void waitingIsCountedForTheLayerThatWaited() throws Exception {
        List<CompletableFuture<Void>> reading = new ArrayList<>();
        AtomicLong now = new AtomicLong();
        ExpertCache cache =
                ExpertCache.builder(
                                (id, slot, priority) -> {
                                    CompletableFuture<Void> read = new CompletableFuture<>();
                                    reading.add(read);
                                    return read;
                                })
                        .shape(LAYERS, EXPERTS)
                        .slots(9)
                        .clock(() -> now.getAndAdd(1000))
                        .listener(usage)
                        .build();
        Thread visitor = Thread.currentThread();
        for (int layer : new int[] {1, 1, 2}) {
            try (ExpertVisit visit = cache.visit(layer, new int[] {reading.size()})) {
                Thread arrival =
                        new Thread(
                                () -> {
                                    while (visitor.getState() != Thread.State.TIMED_WAITING) {
                                        Thread.onSpinWait();
                                    }
                                    reading.get(reading.size() - 1).complete(null);
                                });
                arrival.start();
                visit.next().close();
                arrival.join();
            }
        }
        cache.close();

        UsageSnapshot counts = usage.snapshot();
        assertThat(counts.get(LayerCounter.STALL_NANOS, 0)).isZero();
        assertThat(counts.get(LayerCounter.STALL_NANOS, 1)).isPositive();
        assertThat(counts.get(LayerCounter.STALL_NANOS, 2)).isPositive();
        assertThat(counts.sum(LayerCounter.STALL_NANOS)).isEqualTo(cache.stats().stallNanos());
    }

    @Test
    void whatYieldingCostsIsCountedForEachLayerInWholeBillionths() {
        usage.yielded(1, 8, 3, 0, 0.75, 0.25);
        usage.yielded(1, 8, 1, 1, 0.5, 0.000000001);
        usage.yielded(2, 8, 0, 0, 1, 0);

        UsageSnapshot counts = usage.snapshot();
        assertThat(counts.get(LayerCounter.YIELDING, 1)).isEqualTo(16);
        assertThat(counts.get(LayerCounter.ALTERED, 1)).isEqualTo(4);
        assertThat(counts.get(LayerCounter.FALLBACKS, 1)).isEqualTo(1);
        assertThat(counts.get(LayerCounter.EXACT_WEIGHT, 1)).isEqualTo(1_250_000_000);
        assertThat(counts.get(LayerCounter.LOST_WEIGHT, 1)).isEqualTo(250_000_001);
        assertThat(counts.sum(LayerCounter.YIELDING)).isEqualTo(24);
        assertThat(counts.get(LayerCounter.ALTERED, 0)).isZero();
    }

    @Test
    void twoIntervalsMakeOne() {
        usage.routed(0, new int[] {1, 2}, 2);
        usage.yielded(0, 2, 1, 0, 0.5, 0.1);
        UsageSnapshot first = usage.snapshot();
        usage.routed(0, new int[] {1}, 1);
        usage.yielded(0, 1, 1, 0, 0.5, 0.1);
        UsageSnapshot all = usage.snapshot();

        UsageSnapshot sum = first.plus(all.since(first));

        assertThat(sum.get(ExpertCounter.ROUTED, 0, 1)).isEqualTo(2);
        assertThat(sum.sum(ExpertCounter.ROUTED)).isEqualTo(3);
        assertThat(sum.sum(LayerCounter.ALTERED)).isEqualTo(2);
        assertThat(sum.sum(LayerCounter.LOST_WEIGHT)).isEqualTo(200_000_000);
    }
}
