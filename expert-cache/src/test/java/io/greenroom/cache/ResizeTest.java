package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The number of slots changes while the cache is used. */
@Timeout(60)
class ResizeTest {

    private FakeArena arena = new FakeArena(0, true);
    private SlotLedger ledger = new SlotLedger(0);
    private PagedExpertCache cache = open(1, 1, true);

    @AfterEach
    void theBoundHeldAtEveryEventAndEverythingIsAccountedFor() {
        cache.checkInvariants();
        assertThat(ledger.violations()).isEmpty();
        cache.close();
    }

    @Test
    void moreSlotsCanBeUsedAtOnce() throws Exception {
        cache = open(2, 6, true);
        visit(0, 0, 1, 2, 3);
        assertThat(cache.residents()).hasSize(2);
        assertThat(cache.resize(6)).isCompletedWithValue(6);
        visit(0, 0, 1, 2, 3, 4, 5);
        assertThat(cache.residents()).hasSize(6);
        assertThat(cache.slots()).isEqualTo(6);
        assertThat(arena.retired()).isEmpty();
        assertThat(cache.stats().background().resizes()).isEqualTo(1);
    }

    @Test
    void aVisitThatWaitsForASlotGoesOnWhenThereAreMore() throws Exception {
        cache = open(2, 3, false);
        ExpertVisit first = cache.visit(0, new int[] {0, 1});
        ExpertVisit second = cache.visit(1, new int[] {5});
        assertThat(arena.waitingExperts()).containsExactly(0, 1);
        Thread reader =
                new Thread(
                        () -> {
                            cache.resize(3);
                            arena.awaitWaiting(new ExpertId(1, 5));
                            arena.complete(1, 5);
                        });
        reader.start();
        take(second).close();
        reader.join();
        second.close();
        first.close();
        arena.complete(0, 0);
        arena.complete(0, 1);
    }

    @Test
    void unheldExpertsLeaveAtOnceAndTheirSlotsAreRetired() throws Exception {
        cache = open(20, 20, true);
        visit(0, range(0, 20));
        assertThat(cache.resize(5)).isCompletedWithValue(5);
        assertThat(cache.residents()).hasSize(5);
        assertThat(arena.retired()).hasSize(15).doesNotHaveDuplicates();
        assertThat(cache.slots()).isEqualTo(5);
        CacheStats stats = cache.stats();
        assertThat(stats.evictions()).isEqualTo(15);
        assertThat(stats.background().slotsRetired()).isEqualTo(15);
        visit(1, 0, 1, 2, 3, 4, 5, 6);
        assertThat(ledger.inMemory()).isEqualTo(5);
    }

    @Test
    void freeSlotsGoFirst() throws Exception {
        cache = open(8, 8, true);
        visit(0, 0, 1, 2);
        assertThat(cache.resize(3)).isCompletedWithValue(3);
        assertThat(cache.stats().evictions()).isZero();
        assertThat(cache.residents()).hasSize(3);
    }

    @Test
    void theExpertsWorthLeastLeave() throws Exception {
        cache = open(8, 8, true);
        visit(0, range(0, 8));
        visit(0, 3, 6);
        cache.resize(2);
        assertThat(cache.residents())
                .containsExactlyInAnyOrder(new ExpertId(0, 3), new ExpertId(0, 6));
    }

    @Test
    void leasedExpertsKeepTheirSlotsAndRetireAsLeasesClose() throws Exception {
        cache = open(6, 6, true);
        ExpertVisit visit = cache.visit(0, new int[] {0, 1, 2, 3, 4, 5});
        List<ExpertLease> leases = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            leases.add(take(visit));
        }
        CompletableFuture<Integer> resize = cache.resize(2);
        assertThat(resize).isNotDone();
        assertThat(arena.retired()).isEmpty();
        assertThat(cache.slots()).isEqualTo(6);
        assertThat(leases).allMatch(arena::holds);
        for (int closed = 1; closed <= 4; closed++) {
            assertThat(resize).isNotDone();
            leases.remove(0).close();
            assertThat(arena.retired()).hasSize(closed);
            assertThat(leases).allMatch(arena::holds);
        }
        assertThat(resize).isCompletedWithValue(2);
        leases.forEach(ExpertLease::close);
        visit.close();
        assertThat(cache.residents()).hasSize(2);
    }

    @Test
    void withEverySlotLeasedAnotherVisitStillGetsItsTurn() throws Exception {
        cache = open(4, 4, false);
        ExpertVisit holder = cache.visit(0, new int[] {0, 1, 2, 3});
        List<ExpertLease> leases = new ArrayList<>();
        for (int expert = 0; expert < 4; expert++) {
            arena.complete(0, expert);
            leases.add(take(holder));
        }
        CompletableFuture<Integer> resize = cache.resize(1);
        ExpertVisit starved = cache.visit(1, new int[] {7});
        for (int i = 0; i < 3; i++) {
            leases.remove(0).close(); // these slots retire: none is used again
            assertThat(arena.waiting()).isEmpty();
        }
        assertThat(resize).isCompletedWithValue(1);
        Thread reader =
                new Thread(
                        () -> {
                            leases.remove(0).close();
                            arena.awaitWaiting(new ExpertId(1, 7));
                            arena.complete(1, 7);
                        });
        reader.start();
        take(starved).close();
        reader.join();
        starved.close();
        holder.close();
    }

    @Test
    void aVisitThatPlannedWithMoreSlotsEndsWithFewer() throws Exception {
        cache = open(8, 8, true);
        ExpertVisit visit = cache.visit(0, range(0, 8));
        take(visit).close();
        CompletableFuture<Integer> resize = cache.resize(1);
        int seen = 1;
        for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
            assertThat(arena.holds(lease)).isTrue();
            lease.close();
            seen++;
        }
        visit.close();
        assertThat(seen).isEqualTo(8);
        assertThat(resize).isCompletedWithValue(1);
        visit(1, range(0, 8));
        assertThat(ledger.inMemory()).isEqualTo(1);
    }

    @Test
    void readsUnderWayEndAndTheirSlotsRetireThen() throws Exception {
        cache = open(4, 4, false);
        ExpertVisit visit = cache.visit(0, new int[] {0, 1, 2});
        CompletableFuture<Integer> resize = cache.resize(1);
        assertThat(resize).isNotDone();
        visit.close(); // nobody waits for them any longer
        arena.complete(0, 0);
        assertThat(resize).isNotDone();
        arena.fail(0, 1, new IllegalStateException("no disk"));
        assertThat(resize).isCompletedWithValue(1);
        arena.complete(0, 2);
        assertThat(cache.residents()).hasSize(1);
    }

    @Test
    void hintsGetNoSlotWhileSlotsAreGivenUp() throws Exception {
        cache = open(6, 6, true);
        ExpertVisit visit = cache.visit(0, range(0, 6));
        List<ExpertLease> leases = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            leases.add(take(visit));
        }
        cache.resize(5);
        assertThat(cache.prefetch(new ExpertId(1, 0))).isFalse();
        assertThat(cache.swap(new ExpertId(1, 0), new ExpertId(0, 0))).isFalse();
        leases.forEach(ExpertLease::close);
        visit.close();
        assertThat(cache.swap(new ExpertId(1, 0), cache.residents().iterator().next())).isTrue();
    }

    @Test
    void theLastOfSeveralResizesWins() throws Exception {
        cache = open(6, 6, true);
        ExpertVisit visit = cache.visit(0, range(0, 6));
        List<ExpertLease> leases = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            leases.add(take(visit));
        }
        CompletableFuture<Integer> first = cache.resize(2);
        CompletableFuture<Integer> second = cache.resize(4);
        assertThatThrownBy(first::join)
                .isInstanceOf(CancellationException.class)
                .hasMessage(
                        "The resize to 2 slots was superseded by one to 4 before it was reached");
        leases.remove(0).close();
        leases.remove(0).close();
        assertThat(second).isCompletedWithValue(4);
        leases.remove(0).close();
        assertThat(arena.retired()).hasSize(2);
        leases.forEach(ExpertLease::close);
        visit.close();
    }

    @Test
    void memoryIsGivenBackWithoutTheLockAndCountsUntilThen() throws Exception {
        cache = open(4, 4, true);
        visit(0, range(0, 4));
        CountDownLatch retiring = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        arena.whenRetired(
                slot -> {
                    retiring.countDown();
                    await(goOn);
                });
        Thread shrinker = new Thread(() -> cache.resize(3).join());
        shrinker.start();
        retiring.await();
        visit(1, 0, 1); // visits go on meanwhile
        assertThat(cache.slots()).isEqualTo(4);
        CompletableFuture<Integer> grown = cache.resize(4);
        boolean early = grown.isDone();
        int inMemory = ledger.inMemory();
        goOn.countDown();
        assertThat(early).as("the fourth slot is still being given back").isFalse();
        assertThat(inMemory).isEqualTo(4);
        assertThat(grown.join()).isEqualTo(4);
        shrinker.join();
        visit(0, range(0, 4));
        assertThat(cache.residents()).hasSize(4);
    }

    @Test
    void closingWaitsUntilMemoryHasBeenGivenBack() throws Exception {
        cache = open(4, 4, true);
        visit(0, range(0, 4));
        CountDownLatch retiring = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger returned = new AtomicInteger();
        arena.whenRetired(
                slot -> {
                    retiring.countDown();
                    await(goOn);
                    returned.incrementAndGet();
                });
        Thread shrinker = new Thread(() -> cache.resize(3));
        shrinker.start();
        retiring.await();
        AtomicInteger returnedWhenClosed = new AtomicInteger();
        Thread closer =
                new Thread(
                        () -> {
                            cache.close();
                            returnedWhenClosed.set(returned.get());
                        });
        closer.start();
        goOn.countDown();
        closer.join();
        shrinker.join();
        assertThat(returnedWhenClosed).hasValue(1);
    }

    @Test
    void aLoaderThatCannotGiveBackDoesNotStopTheResize() throws Exception {
        cache = open(4, 4, true);
        visit(0, range(0, 4));
        arena.whenRetired(
                slot -> {
                    throw new IllegalStateException("as told");
                });
        assertThat(cache.resize(2)).isCompletedWithValue(2);
        assertThat(arena.retired()).hasSize(2);
    }

    @Test
    void numbersOutsideTheLimitsAreRefused() throws Exception {
        arena = new FakeArena(8, true);
        ledger = new SlotLedger(4, 8);
        cache = (PagedExpertCache) builder(4, 8).floor(3).build();
        assertThat(cache.floor()).isEqualTo(3);
        assertThat(cache.capacity()).isEqualTo(8);
        for (int slots : new int[] {2, 9, -1}) {
            assertThatThrownBy(() -> cache.resize(slots))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("This expert cache may have 3 to 8 slots, not " + slots);
        }
        assertThat(cache.resize(4)).isCompletedWithValue(4);
        cache.close();
        assertThatThrownBy(() -> cache.resize(4))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("The expert cache is closed");
    }

    private PagedExpertCache open(int slots, int capacity, boolean immediate) {
        arena = new FakeArena(capacity, immediate);
        ledger = new SlotLedger(slots, capacity);
        return (PagedExpertCache) builder(slots, capacity).build();
    }

    private ExpertCacheBuilder builder(int slots, int capacity) {
        return ExpertCache.builder(arena)
                .shape(2, 20)
                .slots(slots)
                .capacity(capacity)
                .listener(ledger);
    }

    private void visit(int layer, int... experts) throws Exception {
        try (ExpertVisit visit = cache.visit(layer, experts)) {
            for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
                assertThat(arena.holds(lease)).isTrue();
                lease.close();
            }
        }
        cache.checkInvariants();
    }

    private static ExpertLease take(ExpertVisit visit) throws Exception {
        ExpertLease lease = visit.next();
        assertThat(lease).isNotNull();
        return lease;
    }

    private static int[] range(int from, int to) {
        return IntStream.range(from, to).toArray();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
