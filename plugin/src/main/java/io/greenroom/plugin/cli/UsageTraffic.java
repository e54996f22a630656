package io.greenroom.plugin.cli;

import io.greenroom.cache.CacheListener;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertLoadException;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.cache.LoadPriority;
import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.plugin.telemetry.UsageRecord;
import java.time.Instant;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;

/**
 * The usage records of a model that was never loaded: given routes go through the real cache and
 * its counters, with reads that take no time. Of each layer ahead most experts are hinted at; each
 * miss stalls for about a millisecond.
 */
final class UsageTraffic implements AutoCloseable {

    /** Of the experts that are hinted at, those that the router then chooses. */
    private static final double FORESEEN = 0.8;

    private static final long EXPERT_BYTES = 5_308_416; // 3 x 768 x 2048 weights of 4.5 bits
    private static final long STALL_NANOS = 1_000_000;
    private static final int MOST_ROWS = 32;

    private final RoutedRows routes;
    private final int tokensPerSecond;
    private final Random random = new Random(1);
    private final ExpertUsage usage;
    private final ExpertCache cache;
    private UsageSnapshot before;
    private long sequence;

    /**
     * @param tokensPerSecond many of them are decoded in batches
     * @param slots that experts have
     */
    UsageTraffic(RoutedRows routes, int tokensPerSecond, int slots) {
        RoutedRows.Shape shape = routes.shape();
        this.routes = routes;
        this.tokensPerSecond = tokensPerSecond;
        this.usage = new ExpertUsage(shape.layers(), shape.experts(), id -> EXPERT_BYTES);
        this.before = usage.snapshot();
        this.cache =
                ExpertCache.builder(new AtOnce())
                        .shape(shape.layers(), shape.experts())
                        .slots(slots)
                        .floor(shape.expertsPerToken())
                        .expertBytes(id -> EXPERT_BYTES)
                        .listener(CacheListener.all(usage, stalling(usage)))
                        .build();
    }

    private CacheListener stalling(ExpertUsage counters) {
        return (event, id, slot) -> {
            if (event == CacheListener.Event.MISS) {
                counters.settled(id, (long) (STALL_NANOS * 2 * random.nextDouble()));
            }
        };
    }

    /** Reads nothing. */
    private static final class AtOnce implements ExpertLoader {

        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            return CompletableFuture.completedFuture(null);
        }
    }

    /** What happened in the next second. */
    UsageRecord second() throws InterruptedException {
        int rows = Math.max(1, Math.min(MOST_ROWS, tokensPerSecond / 20));
        for (int done = 0; done < tokensPerSecond; done += rows) {
            step(Math.min(rows, tokensPerSecond - done));
        }
        UsageSnapshot now = usage.snapshot();
        Instant begin = Instant.ofEpochSecond(1_750_000_000 + sequence, 123_456_789);
        RoutedRows.Shape shape = routes.shape();
        Integer[] residents = new Integer[shape.layers()];
        Arrays.fill(residents, 0);
        for (ExpertId id : cache.residents()) {
            residents[id.layer()]++;
        }
        UsageRecord record =
                new UsageRecord(
                        new UsageRecord.Origin(
                                "qwen3-30b-a3b-instruct",
                                "0123456789abcdef0123456789abcdef",
                                "greenroom-7d9c5b6f4-x2x9k",
                                "8f14e45f-ceea-467f-a8d2-3c1f9e0b7a55"),
                        sequence++,
                        begin,
                        begin.plusSeconds(1),
                        0,
                        tokensPerSecond,
                        new UsageRecord.Memory(
                                cache.slots() * EXPERT_BYTES,
                                EXPERT_BYTES,
                                cache.slots(),
                                shape.layers() * shape.experts(),
                                List.of(residents)),
                        now.since(before));
        before = now;
        return record;
    }

    private void step(int rows) throws InterruptedException {
        RoutedRows.Shape shape = routes.shape();
        int k = shape.expertsPerToken();
        int[][] chosen = new int[shape.layers()][rows * k];
        for (int row = 0; row < rows; row++) {
            int[][] token = routes.next();
            for (int layer = 0; layer < token.length; layer++) {
                System.arraycopy(token[layer], 0, chosen[layer], row * k, k);
            }
        }
        for (int layer = 0; layer < chosen.length; layer++) {
            usage.routed(layer, chosen[layer], rows * k);
            visit(layer, chosen[layer]);
            if (layer + 1 < chosen.length) {
                hint(layer + 1, Arrays.copyOf(chosen[layer + 1], k));
            }
        }
    }

    private void visit(int layer, int[] chosen) throws InterruptedException {
        BitSet distinct = new BitSet();
        Arrays.stream(chosen).forEach(distinct::set);
        try (ExpertVisit visit = cache.visit(layer, distinct.stream().toArray())) {
            for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
                lease.close();
            }
        } catch (ExpertLoadException | TimeoutException e) {
            throw new IllegalStateException("reads that take no time", e);
        }
    }

    private void hint(int layer, int[] experts) {
        for (int expert : experts) {
            int guess =
                    random.nextDouble() < FORESEEN
                            ? expert
                            : random.nextInt(routes.shape().experts());
            cache.prefetch(new ExpertId(layer, guess));
        }
    }

    @Override
    public void close() {
        cache.close();
    }
}
