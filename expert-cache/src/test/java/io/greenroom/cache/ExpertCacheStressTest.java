package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
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

    /**
     * Fills slots on two threads, taking waiting reads in random order; one in 20 fails. Those that
     * still wait can be called off.
     */
    private static final class ScrambledLoader implements ExpertLoader {

        private record Waiting(
                ExpertId id, int slot, boolean fails, CompletableFuture<Void> completion) {}

        private final AtomicLongArray contents;
        private final List<Waiting> waiting = new ArrayList<>();
        private final Random random = new Random(SEED);
        private final ExecutorService lanes = Executors.newFixedThreadPool(2);
        final AtomicInteger overlaps = new AtomicInteger();

        ScrambledLoader(int slots) {
            contents = new AtomicLongArray(slots);
        }

        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            CompletableFuture<Void> completion = new CompletableFuture<>();
            synchronized (this) {
                waiting.add(new Waiting(id, slot, random.nextInt(20) == 0, completion));
            }
            lanes.execute(this::readAny);
            return completion;
        }

        @Override
        public boolean cancel(ExpertId id) {
            CompletableFuture<Void> calledOff = null;
            synchronized (this) {
                for (int i = 0; i < waiting.size() && calledOff == null; i++) {
                    if (waiting.get(i).id().equals(id)) {
                        calledOff = waiting.remove(i).completion();
                    }
                }
            }
            return calledOff != null
                    && calledOff.completeExceptionally(new CancellationException("called off"));
        }

        /** Nobody holds what was in the slot: a lease that did would show. */
        @Override
        public void slotRetired(int slot) {
            if (contents.getAndSet(slot, 0) == FakeArena.POISON) {
                overlaps.incrementAndGet();
            }
        }

        private void readAny() {
            Waiting next;
            synchronized (this) {
                if (waiting.isEmpty()) { // called off
                    return;
                }
                next = waiting.remove(random.nextInt(waiting.size()));
            }
            if (contents.getAndSet(next.slot(), FakeArena.POISON) == FakeArena.POISON) {
                overlaps.incrementAndGet();
            }
            Thread.yield();
            contents.set(next.slot(), next.fails() ? 0 : FakeArena.mark(next.id()));
            if (next.fails()) {
                next.completion().completeExceptionally(new IOException("bad sector"));
            } else {
                next.completion().complete(null);
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

    /**
     * Guesses that are called off, visits that join the very reads, and a budget that changes: the
     * bound holds, every lease holds its expert, and no slot is lost.
     */
    @ParameterizedTest(name = "up to {0} slots, {1} threads")
    @CsvSource({"4, 2", "8, 3", "24, 4"})
    @Timeout(120)
    void guessesAreCalledOffWhileTheBudgetChanges(int capacity, int threads) throws Exception {
        SlotLedger ledger = new SlotLedger(capacity);
        ScrambledLoader loader = new ScrambledLoader(capacity);
        PagedExpertCache cache =
                (PagedExpertCache)
                        ExpertCache.builder(loader)
                                .shape(LAYERS, EXPERTS)
                                .slots(capacity)
                                .floor(2)
                                .listener(ledger)
                                .build();
        ExecutorService visitors = Executors.newFixedThreadPool(threads + 1);
        List<Future<long[]>> results = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            long seed = SEED + thread;
            Callable<long[]> visitor = () -> visitAtRandom(cache, loader, new Random(seed));
            results.add(visitors.submit(visitor));
        }
        AtomicInteger running = new AtomicInteger(threads);
        Future<?> resizer = visitors.submit(() -> resizeAtRandom(cache, running));
        long visited = 0;
        for (Future<long[]> result : results) {
            visited += get(result)[0];
            running.decrementAndGet();
        }
        resizer.get();
        visitors.shutdown();
        assertThat(cache.resize(3).get(30, TimeUnit.SECONDS)).isEqualTo(3);
        assertThat(ledger.inMemory()).isEqualTo(3);
        assertThat(ledger.owned()).isLessThanOrEqualTo(3);
        assertThat(cache.resize(capacity).get(30, TimeUnit.SECONDS)).isEqualTo(capacity);
        fillEverySlot(cache, capacity);

        cache.checkInvariants();
        cache.close();
        loader.awaitEnd();
        assertThat(ledger.violations()).isEmpty();
        assertThat(loader.overlaps).hasValue(0);
        CacheStats stats = cache.stats();
        assertThat(stats.hits() + stats.misses()).isGreaterThanOrEqualTo(visited);
        assertThat(stats.background().hintsCancelled()).isPositive();
        assertThat(stats.background().resizes()).isPositive();
        assertThat(cache.residents()).isEmpty();
    }

    private static void resizeAtRandom(ExpertCache cache, AtomicInteger running) {
        Random random = new Random(SEED);
        while (running.get() > 0) {
            int slots = cache.floor() + random.nextInt(cache.capacity() - cache.floor() + 1);
            var unused = cache.resize(slots); // the next may overtake it
            cache.expireHints(random.nextInt(LAYERS));
            Thread.yield();
        }
    }

    /** No slot was lost on the way: as many experts are resident at once as there are slots. */
    private static void fillEverySlot(ExpertCache cache, int slots) throws Exception {
        for (int round = 0; cache.residents().size() < slots; round++) {
            assertThat(round).as("rounds until all slots are in use").isLessThan(100);
            int first = 4 * (round / LAYERS) % EXPERTS;
            int[] experts = {first, first + 1, first + 2, first + 3};
            try (ExpertVisit visit = cache.visit(round % LAYERS, experts)) {
                for (int turn = 0; turn <= experts.length; turn++) {
                    try (ExpertLease lease = visit.next()) {
                        assertThat(lease == null).isEqualTo(turn == experts.length);
                    } catch (ExpertLoadException e) {
                        assertThat(e).hasStackTraceContaining("bad sector");
                    }
                }
            }
        }
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
            if (random.nextInt(3) == 0) {
                cache.expireHints((layer + 1) % LAYERS);
            }
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
