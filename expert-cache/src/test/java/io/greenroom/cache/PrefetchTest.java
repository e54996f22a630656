package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PrefetchTest {

    private FakeArena arena = new FakeArena(0, true);
    private SlotLedger ledger = new SlotLedger(0);
    private ExpertCache cache = open(1, 1);

    @AfterEach
    void theBoundHeldAtEveryEvent() {
        assertThat(ledger.violations()).isEmpty();
        ((PagedExpertCache) cache).checkInvariants();
    }

    @Test
    void aHintReadsAheadAtLowPriority() throws Exception {
        cache = open(4, 1);
        assertThat(cache.prefetch(new ExpertId(1, 2))).isTrue();
        assertThat(arena.waiting()).hasSize(1);
        assertThat(arena.waiting().get(0).priority()).isEqualTo(LoadPriority.PREFETCH);
        assertThat(cache.isResident(new ExpertId(1, 2))).isFalse();
        assertThat(cache.prefetch(new ExpertId(1, 2))).as("being read").isFalse();
        arena.complete(1, 2);
        assertThat(cache.isResident(new ExpertId(1, 2))).isTrue();
        assertThat(cache.prefetch(new ExpertId(1, 2))).as("resident").isFalse();

        assertThat(visit(1, 2)).containsExactly(2);
        assertThat(visit(1, 2)).containsExactly(2);
        CacheStats stats = cache.stats();
        assertThat(stats.prefetchIssued()).isEqualTo(1);
        assertThat(stats.prefetchUseful()).as("counted once").isEqualTo(1);
        assertThat(stats.hits()).isEqualTo(2);
        assertThat(stats.misses()).isZero();
        assertThat(stats.bytesLoaded()).isEqualTo(100);
    }

    @Test
    void aVisitJoinsAndPromotesAReadUnderWay() throws Exception {
        cache = open(4, 1);
        cache.prefetch(new ExpertId(1, 2));
        try (ExpertVisit visit = cache.visit(1, new int[] {5, 2})) {
            assertThat(arena.promoted()).containsExactly(new ExpertId(1, 2));
            assertThat(arena.waitingExperts()).containsExactly(2, 5);
            assertThat(arena.waiting().get(1).priority()).isEqualTo(LoadPriority.DEMAND);
            arena.complete(1, 2);
            arena.complete(1, 5);
            assertThat(drain(visit)).containsExactly(2, 5);
        }
        try (ExpertVisit visit = cache.visit(1, new int[] {2})) {
            drain(visit);
        }
        CacheStats stats = cache.stats();
        assertThat(stats.prefetchLate()).isEqualTo(1);
        assertThat(stats.prefetchUseful()).isZero();
        assertThat(stats.loads()).isEqualTo(2);
        assertThat(stats.misses()).isEqualTo(2);
    }

    @Test
    void aSecondVisitDoesNotPromoteAgain() {
        cache = open(4, 1);
        cache.prefetch(new ExpertId(1, 2));
        ExpertVisit first = cache.visit(1, new int[] {2});
        ExpertVisit second = cache.visit(1, new int[] {2});
        assertThat(arena.promoted()).hasSize(1);
        assertThat(cache.stats().prefetchLate()).isEqualTo(1);
        first.close();
        second.close();
        arena.complete(1, 2);
    }

    @Test
    void aReadJoinedBeforeTheLoaderKnewOfItIsStillPromoted() {
        List<String> calls = new ArrayList<>();
        AtomicReference<ExpertCache> self = new AtomicReference<>();
        ExpertLoader loader =
                new ExpertLoader() {
                    @Override
                    public CompletableFuture<Void> load(
                            ExpertId id, int slot, LoadPriority priority) {
                        // A visit comes in between; no lock is held across this call.
                        self.get().visit(0, new int[] {3}).close();
                        calls.add("load " + id + " " + priority);
                        return CompletableFuture.completedFuture(null);
                    }

                    @Override
                    public void promote(ExpertId id) {
                        calls.add("promote " + id);
                        throw new IllegalStateException("is logged, and does no harm");
                    }
                };
        cache = ExpertCache.builder(loader).shape(1, 4).slots(2).build();
        self.set(cache);
        assertThat(cache.prefetch(new ExpertId(0, 3))).isTrue();
        assertThat(calls).containsExactly("promote L0/E3", "load L0/E3 PREFETCH", "promote L0/E3");
    }

    @Test
    void demandAlwaysKeepsItsSlots() {
        cache = open(6, 4);
        assertThat(cache.prefetch(new ExpertId(1, 0))).isTrue();
        assertThat(cache.prefetch(new ExpertId(1, 1))).isTrue();
        assertThat(cache.prefetch(new ExpertId(1, 2))).as("4 of 6 slots are left").isFalse();
        arena.complete(1, 0);
        assertThat(cache.prefetch(new ExpertId(1, 2))).as("a guess can be evicted").isTrue();
        arena.complete(1, 1);
        arena.complete(1, 2);

        ExpertVisit visit = cache.visit(1, new int[] {0, 1, 2});
        assertThat(cache.prefetch(new ExpertId(2, 0))).as("3 are pinned").isFalse();
        visit.close();
        assertThat(cache.prefetch(new ExpertId(2, 0))).isTrue();
        arena.complete(2, 0);
    }

    @Test
    void aCacheOfOneTokensExpertsNeverPrefetches() {
        cache = open(4, 4);
        assertThat(cache.prefetch(new ExpertId(1, 0))).isFalse();
    }

    @Test
    void hintsAreDroppedWhileAVisitHasReadsToBegin() {
        arena = new FakeArena(8, false);
        cache = builder(8, 1).inFlight(1).build();
        ExpertVisit visit = cache.visit(0, new int[] {0, 1});
        assertThat(arena.waitingExperts()).containsExactly(0);
        assertThat(cache.prefetch(new ExpertId(1, 0))).as("7 slots are free").isFalse();
        visit.close();
        assertThat(cache.prefetch(new ExpertId(1, 0))).isTrue();
        arena.complete(0, 0);
        arena.complete(1, 0);
    }

    @Test
    void theNumberInFlightIsBounded() {
        cache = open(16, 2);
        for (int expert = 0; expert < 4; expert++) {
            assertThat(cache.prefetch(new ExpertId(0, expert))).isTrue();
        }
        assertThat(cache.prefetch(new ExpertId(0, 4))).isFalse();
        ExpertVisit visit = cache.visit(0, new int[] {0});
        assertThat(cache.prefetch(new ExpertId(0, 4))).as("one became demand").isTrue();
        visit.close();
        for (int expert = 0; expert < 5; expert++) {
            arena.complete(0, expert);
        }
    }

    @Test
    void onlyWhatThePolicyGaveUpIsEvicted() throws Exception {
        cache = open(8, 1);
        for (int expert = 0; expert < 6; expert++) {
            visit(0, expert);
        }
        // Caffeine keeps up to 7 of 8, so nobody is leaving; two slots are free.
        assertThat(cache.prefetch(new ExpertId(1, 0))).isTrue();
        assertThat(cache.prefetch(new ExpertId(1, 1))).isTrue();
        arena.complete(1, 0);
        arena.complete(1, 1);
        assertThat(cache.residents()).hasSize(8);
        assertThat(cache.prefetch(new ExpertId(1, 2))).as("all are wanted").isFalse();
        assertThat(cache.stats().evictions()).isZero();

        // Two guesses proved right: Caffeine now has 8 to choose from, and gives up one.
        visit(1, 0);
        visit(1, 1);
        assertThat(cache.prefetch(new ExpertId(2, 0))).isTrue();
        assertThat(cache.stats().evictions()).isEqualTo(1);
        arena.complete(2, 0);
    }

    @Test
    void aWrongGuessLeavesFirstOnceItsLayerHasPassed() throws Exception {
        cache = open(4, 1);
        visit(0, 0);
        visit(0, 1);
        visit(0, 2);
        cache.prefetch(new ExpertId(1, 7));
        arena.complete(1, 7);
        assertThat(visit(1, 5)).containsExactly(5);
        assertThat(cache.isResident(new ExpertId(1, 7))).isFalse();
        assertThat(cache.residents()).contains(new ExpertId(0, 0), new ExpertId(0, 2));
        assertThat(cache.stats().prefetchWasted()).isEqualTo(1);
        assertThat(cache.stats().prefetchUseful()).isZero();
    }

    @Test
    void aWrongGuessLeavesEvenBeforeWhatThePolicyGaveUp() throws Exception {
        arena = new FakeArena(32, false);
        cache = builder(32, 1).shape(8, 8).build();
        cache.prefetch(new ExpertId(1, 7));
        arena.complete(1, 7);
        for (int i = 0; i < 31; i++) {
            visit(2 + i / 8, i % 8); // Caffeine keeps 30 of these, and gives one up
        }
        visit(1, 5);
        assertThat(cache.isResident(new ExpertId(1, 7))).isFalse();
        assertThat(cache.residents()).hasSize(32);
        assertThat(cache.stats().evictions()).isEqualTo(1);
        assertThat(cache.stats().prefetchWasted()).isEqualTo(1);
    }

    @Test
    void aGuessWhoseLayerIsStillToComeIsKept() throws Exception {
        cache = open(4, 1);
        cache.prefetch(new ExpertId(3, 7));
        arena.complete(3, 7);
        for (int expert = 0; expert < 8; expert++) {
            visit(0, expert);
            visit(1, expert);
        }
        assertThat(visit(3, 7)).containsExactly(7);
        assertThat(cache.stats().prefetchUseful()).isEqualTo(1);
        assertThat(cache.stats().prefetchWasted()).isZero();
    }

    @Test
    void demandTakesEvenGuessesWhenAllElseIsHeld() throws Exception {
        cache = open(3, 1);
        cache.prefetch(new ExpertId(3, 0));
        cache.prefetch(new ExpertId(3, 1));
        arena.complete(3, 0);
        arena.complete(3, 1);
        try (ExpertVisit visit = cache.visit(0, new int[] {0, 1, 2})) {
            arena.complete(0, 0);
            arena.complete(0, 1);
            arena.complete(0, 2);
            assertThat(drain(visit)).containsExactly(0, 1, 2);
        }
        assertThat(cache.stats().prefetchWasted()).isEqualTo(2);
    }

    @Test
    void guessesForALayerThatNeverComesMakeRoomForLaterOnes() {
        cache = open(8, 1);
        for (int expert = 0; expert < 8; expert++) {
            assertThat(cache.prefetch(new ExpertId(3, expert))).isTrue();
            arena.complete(3, expert);
        }
        assertThat(cache.prefetch(new ExpertId(2, 0))).isTrue();
        arena.complete(2, 0);
        assertThat(cache.isResident(new ExpertId(3, 7))).isTrue();
        assertThat(cache.stats().prefetchWasted()).isEqualTo(1);
    }

    @Test
    void aFailedPrefetchTroublesNobody() throws Exception {
        cache = open(2, 1);
        cache.prefetch(new ExpertId(0, 1));
        arena.fail(0, 1, new IOException("disk on fire"));
        assertThat(cache.stats().loadFailures()).isEqualTo(1);
        assertThat(visit(0, 1)).containsExactly(1);
    }

    @Test
    void aFailureReachesAVisitThatJoined() {
        cache = open(2, 1);
        cache.prefetch(new ExpertId(0, 1));
        ExpertVisit visit = cache.visit(0, new int[] {1});
        arena.fail(0, 1, new IOException());
        assertThatThrownBy(visit::next)
                .isInstanceOf(ExpertLoadException.class)
                .hasMessage("Cannot load expert L0/E1: IOException");
        visit.close();
    }

    @Test
    void anUnknownExpertIsRefused() {
        assertThatThrownBy(() -> cache.prefetch(new ExpertId(0, 8)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("There is no expert 8 of layer 0");
    }

    private ExpertCache open(int slots, int floor) {
        arena = new FakeArena(slots, false);
        return builder(slots, floor).build();
    }

    private ExpertCacheBuilder builder(int slots, int floor) {
        ledger = new SlotLedger(slots);
        return ExpertCache.builder(arena)
                .shape(4, 8)
                .slots(slots)
                .floor(floor)
                .expertBytes(id -> 100)
                .listener(ledger);
    }

    private List<Integer> visit(int layer, int... experts) throws Exception {
        try (ExpertVisit visit = cache.visit(layer, experts)) {
            for (FakeArena.Read read : arena.waiting()) {
                arena.complete(read.id().layer(), read.id().expert());
            }
            return drain(visit);
        }
    }

    private static List<Integer> drain(ExpertVisit visit) throws Exception {
        List<Integer> experts = new ArrayList<>();
        for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
            experts.add(lease.id().expert());
            lease.close();
        }
        return experts;
    }
}
