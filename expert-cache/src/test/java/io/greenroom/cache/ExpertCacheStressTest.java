package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Several visitors at once, reads that end on other threads in random order, some of them badly.
 */
class ExpertCacheStressTest {

    private static final int LAYERS = 4;
    private static final int EXPERTS = 16;
    private static final long SEED = 20240917;

    /** Fills slots on two threads, taking waiting reads in random order; one in 20 fails. */
    private static final class ScrambledLoader implements ExpertLoader {

        private final AtomicLongArray contents;
        private final List<Runnable> waiting = new ArrayList<>();
        private final Random random = new Random(SEED);
        private final ExecutorService lanes = Executors.newFixedThreadPool(2);
        final AtomicInteger overlaps = new AtomicInteger();

        ScrambledLoader(int slots) {
            contents = new AtomicLongArray(slots);
        }

        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            CompletableFuture<Void> completion = new CompletableFuture<>();
            boolean fails;
            synchronized (this) {
                fails = random.nextInt(20) == 0;
                waiting.add(() -> read(id, slot, fails, completion));
            }
            lanes.execute(() -> takeAny().run());
            return completion;
        }

        private synchronized Runnable takeAny() {
            return waiting.remove(random.nextInt(waiting.size()));
        }

        private void read(
                ExpertId id, int slot, boolean fails, CompletableFuture<Void> completion) {
            if (contents.getAndSet(slot, FakeArena.POISON) == FakeArena.POISON) {
                overlaps.incrementAndGet();
            }
            Thread.yield();
            contents.set(slot, fails ? 0 : FakeArena.mark(id));
            if (fails) {
                completion.completeExceptionally(new IOException("bad sector"));
            } else {
                completion.complete(null);
            }
        }

        boolean holds(ExpertLease lease) {
            return contents.get(lease.slot()) == FakeArena.mark(lease.id());
        }

        void awaitEnd() throws InterruptedException {
            lanes.shutdown();
            assertThat(lanes.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @ParameterizedTest(name = "{0} slots, {1} threads")
    @CsvSource({"1, 4", "2, 2", "4, 4", "6, 3", "24, 4"})
    @Timeout(120)
    void theBoundHoldsAndEverythingComesHome(int slots, int threads) throws Exception {
        SlotLedger ledger = new SlotLedger(slots);
        ScrambledLoader loader = new ScrambledLoader(slots);
        ExpertCache cache =
                ExpertCache.builder(loader)
                        .shape(LAYERS, EXPERTS)
                        .slots(slots)
                        .floor(2)
                        .listener(ledger)
                        .build();
        ExecutorService visitors = Executors.newFixedThreadPool(threads);
        List<Future<long[]>> results = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            long seed = SEED + thread;
            Callable<long[]> visitor = () -> visitAtRandom(cache, loader, new Random(seed));
            results.add(visitors.submit(visitor));
        }
        long visited = 0;
        long failures = 0;
        for (Future<long[]> result : results) {
            visited += get(result)[0];
            failures += get(result)[1];
        }
        visitors.shutdown();

        cache.close();
        loader.awaitEnd();
        assertThat(ledger.violations()).isEmpty();
        assertThat(ledger.mostOwned()).isEqualTo(slots);
        assertThat(loader.overlaps).hasValue(0);
        assertThat(failures).isPositive();
        CacheStats stats = cache.stats();
        assertThat(stats.hits() + stats.misses()).isEqualTo(visited);
        assertThat(stats.misses()).isEqualTo(ledger.misses());
        assertThat(ledger.unsettled()).isZero();
        assertThat(stats.stallNanos()).isEqualTo(ledger.stallNanos());
        assertThat(stats.loadFailures()).isPositive();
        assertThat(cache.residents()).isEmpty();
    }

    /** Returns how many experts were asked for, and how many of them failed. */
    private static long[] visitAtRandom(ExpertCache cache, ScrambledLoader loader, Random random)
            throws Exception {
        long visited = 0;
        long failures = 0;
        List<Integer> all = new ArrayList<>();
        for (int expert = 0; expert < EXPERTS; expert++) {
            all.add(expert);
        }
        for (int round = 0; round < 300; round++) {
            int layer = round % LAYERS;
            cache.prefetch(new ExpertId((layer + 1) % LAYERS, random.nextInt(EXPERTS)));
            Collections.shuffle(all, random);
            int size = 1 + random.nextInt(random.nextInt(10) == 0 ? EXPERTS : 4);
            int[] experts = all.subList(0, size).stream().mapToInt(e -> e).toArray();
            int turns = random.nextInt(20) == 0 ? size / 2 : size + 1;
            int handedOut = 0;
            try (ExpertVisit visit = cache.visit(layer, experts)) {
                visited += size;
                for (int turn = 0; turn < turns; turn++) {
                    try (ExpertLease lease = visit.next()) {
                        if (lease == null) {
                            break;
                        }
                        handedOut++;
                        assertThat(loader.holds(lease)).isTrue();
                        Thread.yield();
                        assertThat(loader.holds(lease)).isTrue();
                    } catch (ExpertLoadException e) {
                        handedOut++;
                        failures++;
                    }
                }
            }
            assertThat(handedOut).isEqualTo(Math.min(turns, size));
            ((PagedExpertCache) cache).checkInvariants();
        }
        return new long[] {visited, failures};
    }

    private static long[] get(Future<long[]> result) throws Exception {
        try {
            return result.get();
        } catch (ExecutionException e) {
            throw new AssertionError("A visitor failed", e.getCause());
        }
    }
}
