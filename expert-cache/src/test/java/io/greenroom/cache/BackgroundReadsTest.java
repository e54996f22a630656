package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.policy.PolicyName;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Warm-up, swaps and hints taken back: reads that no visit waits for. */
@Timeout(60)
class BackgroundReadsTest {

    private FakeArena arena = new FakeArena(0, true);
    private SlotLedger ledger = new SlotLedger(0);
    private PagedExpertCache cache = open(1, true);

    @AfterEach
    void theBoundHeldAtEveryEvent() {
        cache.checkInvariants();
        assertThat(ledger.violations()).isEmpty();
        cache.close();
    }

    @Test
    void aWarmUpFillsFreeSlotsHottestFirst() throws Exception {
        cache = open(8, false);
        CompletableFuture<Integer> warmUp = cache.warm(ids(0, 0, 6));
        assertThat(arena.waitingExperts()).containsExactly(0, 1, 2, 3);
        assertThat(arena.waiting()).allMatch(read -> read.priority() == LoadPriority.BACKGROUND);
        for (int expert = 0; expert < 6; expert++) {
            assertThat(warmUp).isNotDone();
            arena.complete(0, expert);
        }
        assertThat(warmUp).isCompletedWithValue(6);
        assertThat(cache.residents()).hasSize(6);
        CacheStats stats = cache.stats();
        assertThat(stats.background().warmed()).isEqualTo(6);
        assertThat(stats.prefetchIssued()).isZero();
        assertThat(ledger.events()).contains("BACKGROUND L0/E0");
    }

    @Test
    void aWarmUpEvictsNothingAndLeavesDemandASlot() throws Exception {
        cache = open(4, true);
        visit(1, 0);
        assertThat(cache.warm(ids(0, 0, 20))).isCompletedWithValue(3);
        assertThat(cache.residents()).hasSize(4).contains(new ExpertId(1, 0));
        assertThat(cache.stats().evictions()).isZero();
        assertThat(cache.warm(ids(0, 0, 20))).isCompletedWithValue(0);
    }

    @Test
    void whatIsThereOrOnItsWayIsPassedOver() throws Exception {
        cache = open(8, false);
        ExpertVisit visit = cache.visit(0, new int[] {1});
        CompletableFuture<Integer> warmUp = cache.warm(ids(0, 0, 3));
        assertThat(arena.waitingExperts()).containsExactly(1, 0, 2);
        arena.complete(0, 0);
        arena.complete(0, 2);
        assertThat(warmUp).isCompletedWithValue(2);
        arena.complete(0, 1);
        visit.close();
    }

    @Test
    void aVisitJoinsAWarmUpsRead() throws Exception {
        cache = open(8, false);
        cache.warm(ids(0, 0, 2));
        try (ExpertVisit visit = cache.visit(0, new int[] {1})) {
            assertThat(arena.promoted()).containsExactly(new ExpertId(0, 1));
            arena.complete(0, 1);
            try (ExpertLease lease = visit.next()) {
                assertThat(arena.holds(lease)).isTrue();
            }
        }
        arena.complete(0, 0);
        assertThat(cache.stats().prefetchLate()).isZero();
        assertThat(cache.stats().background().warmed()).isEqualTo(2);
    }

    @Test
    void failedReadsEndAWarmUpLikeOthersAndAreNotCounted() {
        cache = open(8, false);
        CompletableFuture<Integer> warmUp = cache.warm(ids(0, 0, 2));
        arena.fail(0, 0, new IllegalStateException("no disk"));
        arena.complete(0, 1);
        assertThat(warmUp).isCompletedWithValue(1);
    }

    @Test
    void aCancelledWarmUpBeginsNoMoreReads() {
        cache = open(8, false);
        CompletableFuture<Integer> warmUp = cache.warm(ids(0, 0, 6));
        warmUp.cancel(false);
        for (int expert = 0; expert < 4; expert++) {
            arena.complete(0, expert);
        }
        assertThat(arena.waiting()).isEmpty();
        assertThat(cache.residents()).hasSize(4);
    }

    @Test
    void aLongWarmUpDoesNotNestItsReads() {
        cache = open(10_000, true); // reads complete at once: nested, they would fill the stack
        assertThat(cache.warm(ids(0, 0, 10_000))).isCompletedWithValue(10_000);
    }

    @Test
    void theHottestOfAWarmUpAreNotTheFirstToLeave() throws Exception {
        cache = open(4, true, PolicyName.LRU);
        assertThat(cache.warm(ids(0, 0, 4))).isCompletedWithValue(4);
        visit(1, 0, 1);
        assertThat(cache.residents()).contains(new ExpertId(0, 0), new ExpertId(0, 1));
    }

    @Test
    void whoWasVisitedMeanwhileIsNotPutBehindAWarmUp() throws Exception {
        cache = open(6, false, PolicyName.LRU);
        CompletableFuture<Integer> warmUp = cache.warm(ids(0, 0, 2));
        arena.complete(0, 1);
        fill(1, 7);
        arena.complete(0, 0);
        assertThat(warmUp).isCompletedWithValue(2);
        fill(1, 1, 2, 3, 4); // the sixth needs the slot of whoever was used first
        assertThat(cache.isResident(new ExpertId(0, 1))).isFalse();
        assertThat(cache.isResident(new ExpertId(1, 7))).isTrue();
    }

    @Test
    void whatIsExpectedReachesThePolicy() throws Exception {
        cache = open(4, true, PolicyName.REUSE);
        float[] shares = new float[20];
        shares[1] = 0.9f;
        shares[2] = 0.9f;
        shares[3] = 0.01f;
        cache.expected(0, shares);
        visit(0, 1, 2);
        visit(1, 0);
        visit(0, 3);
        visit(1, 1, 2);
        assertThat(cache.isResident(new ExpertId(0, 3))).isFalse();
        assertThat(cache.isResident(new ExpertId(0, 1))).isTrue();
        assertThatThrownBy(() -> cache.expected(0, new float[19]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("19 shares cannot be those of 20 experts");
        assertThatThrownBy(() -> cache.expected(2, shares))
                .hasMessageStartingWith("There is no expert 0 of layer 2");
    }

    @Test
    void closingEndsAWarmUp() {
        cache = open(4, true);
        cache.close();
        assertThatThrownBy(() -> cache.warm(ids(0, 0, 2)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("The expert cache is closed");
        cache = open(4, true);
        assertThatThrownBy(() -> cache.warm(List.of(new ExpertId(3, 0))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("There is no expert 0 of layer 3");
    }

    @Test
    void aSwapExchangesOneResidentForAnother() throws Exception {
        cache = open(2, true);
        visit(0, 0, 1);
        assertThat(cache.swap(new ExpertId(1, 5), new ExpertId(0, 0))).isTrue();
        assertThat(cache.residents())
                .containsExactlyInAnyOrder(new ExpertId(0, 1), new ExpertId(1, 5));
        CacheStats stats = cache.stats();
        assertThat(stats.background().swaps()).isEqualTo(1);
        assertThat(stats.prefetchIssued() + stats.prefetchWasted()).isZero();
        visit(1, 5);
        assertThat(cache.stats().hits()).isEqualTo(1);
    }

    @Test
    void aSwapReadsBehindDemandAndIsPromotedWhenAVisitJoins() throws Exception {
        cache = open(2, false);
        fill(0, 0, 1);
        assertThat(cache.swap(new ExpertId(1, 5), new ExpertId(0, 0))).isTrue();
        assertThat(arena.waiting().get(0).priority()).isEqualTo(LoadPriority.PREFETCH);
        assertThat(cache.isResident(new ExpertId(0, 0))).isFalse();
        try (ExpertVisit visit = cache.visit(1, new int[] {5})) {
            assertThat(arena.promoted()).containsExactly(new ExpertId(1, 5));
            arena.complete(1, 5);
            visit.next().close();
        }
    }

    @Test
    void impossibleSwapsDoNothing() throws Exception {
        cache = open(3, false);
        fill(0, 0, 1);
        ExpertId absent = new ExpertId(1, 5);
        ExpertId resident = new ExpertId(0, 0);
        assertThat(cache.swap(resident, new ExpertId(0, 1))).as("in is there").isFalse();
        assertThat(cache.swap(absent, new ExpertId(1, 6))).as("out is not").isFalse();
        try (ExpertVisit visit = cache.visit(0, new int[] {0})) {
            assertThat(cache.swap(absent, resident)).as("out is held").isFalse();
            visit.next().close();
        }
        assertThat(cache.swap(absent, resident)).isTrue();
        assertThat(cache.swap(absent, new ExpertId(0, 1))).as("in is on its way").isFalse();
        arena.complete(1, 5);
    }

    @Test
    void hintsWhoseLayerHasPassedAreTakenBackUnlessBegun() {
        cache = open(8, false);
        cache.prefetch(new ExpertId(0, 0));
        cache.prefetch(new ExpertId(1, 1));
        cache.expireHints(1); // this loader gives nothing up
        assertThat(arena.waitingExperts()).containsExactly(0, 1);
        arena.cancelReads();
        cache.expireHints(1);
        assertThat(arena.waitingExperts()).containsExactly(0);
        assertThat(cache.stats().background().hintsCancelled()).isEqualTo(1);
        assertThat(cache.stats().loadFailures()).isZero();
        assertThat(ledger.events()).contains("CANCELLED L1/E1");
        assertThat(ledger.owned()).isEqualTo(1);
        assertThat(cache.prefetch(new ExpertId(1, 1))).as("may be hinted again").isTrue();
        arena.complete(0, 0);
        arena.complete(1, 1);
    }

    @Test
    void readsThatAVisitWaitsForAreNotTakenBack() throws Exception {
        cache = open(8, false);
        arena.cancelReads();
        cache.prefetch(new ExpertId(0, 0));
        try (ExpertVisit visit = cache.visit(0, new int[] {0})) {
            cache.expireHints(0);
            arena.complete(0, 0);
            visit.next().close();
        }
        assertThat(cache.stats().background().hintsCancelled()).isZero();
    }

    @Test
    void aVisitThatJoinsWhileAHintIsTakenBackGetsItsExpert() throws Exception {
        cache = open(8, false);
        List<ExpertVisit> joined = new ArrayList<>();
        arena.cancelReads();
        arena.beforeCancel(() -> joined.add(cache.visit(0, new int[] {0})));
        cache.prefetch(new ExpertId(0, 0));
        cache.expireHints(0);
        assertThat(arena.waiting()).hasSize(1);
        assertThat(arena.waiting().get(0).priority()).isEqualTo(LoadPriority.DEMAND);
        arena.complete(0, 0);
        try (ExpertVisit visit = joined.get(0);
                ExpertLease lease = visit.next()) {
            assertThat(arena.holds(lease)).isTrue();
        }
        assertThat(cache.stats().background().hintsCancelled()).isZero();
        assertThat(cache.stats().prefetchLate()).isEqualTo(1);
    }

    private PagedExpertCache open(int slots, boolean immediate) {
        return open(slots, immediate, PolicyName.TINYLFU);
    }

    private PagedExpertCache open(int slots, boolean immediate, PolicyName policy) {
        arena = new FakeArena(slots, immediate);
        ledger = new SlotLedger(slots);
        return (PagedExpertCache)
                ExpertCache.builder(arena)
                        .shape(2, Math.max(20, slots))
                        .slots(slots)
                        .maxPrefetch(4)
                        .policy(policy, null)
                        .listener(ledger)
                        .build();
    }

    private void visit(int layer, int... experts) throws Exception {
        try (ExpertVisit visit = cache.visit(layer, experts)) {
            for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
                assertThat(arena.holds(lease)).isTrue();
                lease.close();
            }
        }
    }

    /** Makes experts resident with a loader that waits. */
    private void fill(int layer, int... experts) throws Exception {
        try (ExpertVisit visit = cache.visit(layer, experts)) {
            for (int expert : experts) {
                arena.complete(layer, expert);
                visit.next().close();
            }
        }
    }

    private static List<ExpertId> ids(int layer, int from, int to) {
        return IntStream.range(from, to).mapToObj(expert -> new ExpertId(layer, expert)).toList();
    }
}
