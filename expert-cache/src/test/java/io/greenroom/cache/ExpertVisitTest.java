package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ExpertVisitTest {

    private FakeArena arena = new FakeArena(0, true);
    private SlotLedger ledger = new SlotLedger(0);

    @AfterEach
    void theBoundHeldAtEveryEvent() {
        assertThat(ledger.violations()).isEmpty();
    }

    @Test
    void expertsAreHandedOutOnceWithTheirBytes() throws Exception {
        ExpertCache cache = open(4, true);
        try (ExpertVisit visit = cache.visit(1, new int[] {3, 0, 7})) {
            List<Integer> seen = drain(visit);
            assertThat(seen).containsExactly(3, 0, 7);
        }
        assertThat(cache.residents())
                .containsExactlyInAnyOrder(
                        new ExpertId(1, 3), new ExpertId(1, 0), new ExpertId(1, 7));
        assertThat(cache.isResident(new ExpertId(1, 7))).isTrue();
        assertThat(cache.isResident(new ExpertId(2, 7))).isFalse();
        assertThat(cache.stats()).isEqualTo(new CacheStats(0, 3, 3, 0, 0, 300, 0, 0, 0, 0, 0));
        cache.close();
    }

    @Test
    void residentsComeFirstAndArrivalsInTheOrderTheyArrive() throws Exception {
        ExpertCache cache = open(8, false);
        readNow(cache, 0, 5, 6);
        try (ExpertVisit visit = cache.visit(0, new int[] {1, 5, 2, 3, 6})) {
            assertThat(arena.waitingExperts()).containsExactly(1, 2, 3);
            assertThat(take(visit)).isEqualTo(5);
            arena.complete(0, 3);
            assertThat(take(visit)).isEqualTo(6);
            arena.complete(0, 1);
            assertThat(take(visit)).isEqualTo(3);
            assertThat(take(visit)).isEqualTo(1);
            arena.complete(0, 2);
            assertThat(take(visit)).isEqualTo(2);
            assertThat(visit.next()).isNull();
            assertThat(visit.next()).isNull();
        }
        assertThat(cache.stats().hits()).isEqualTo(2);
        assertThat(cache.stats().misses()).isEqualTo(5);
        assertThat(cache.stats().hitRate()).isEqualTo(2 / 7.0);
    }

    @Test
    void anEmptyVisitIsOverAtOnce() throws Exception {
        ExpertCache cache = open(1, true);
        try (ExpertVisit visit = cache.visit(0, new int[0])) {
            assertThat(visit.next()).isNull();
        }
        assertThat(cache.stats().hitRate()).isZero();
        cache.close();
    }

    @Test
    void residentsArePinnedWhenTheVisitBegins() throws Exception {
        ExpertCache cache = open(2, false);
        readNow(cache, 0, 0, 1);
        try (ExpertVisit first = cache.visit(0, new int[] {0, 1})) {
            // Both slots are pinned, though nothing was handed out: nobody else may read.
            ExpertVisit second = cache.visit(1, new int[] {4});
            assertThat(arena.waiting()).isEmpty();
            assertThat(drain(first)).containsExactly(0, 1);
            second.close();
        }
        cache.close();
    }

    @Test
    void aVisitMayNameMoreExpertsThanThereAreSlots() throws Exception {
        for (int slots = 1; slots <= 4; slots++) {
            ExpertCache cache = open(slots, true);
            readNow(cache, 0, 4);
            try (ExpertVisit visit = cache.visit(0, new int[] {0, 1, 2, 3, 4, 5, 6, 7})) {
                assertThat(drain(visit))
                        .as("with %s slots", slots)
                        .containsExactly(4, 0, 1, 2, 3, 5, 6, 7);
            }
            assertThat(ledger.mostOwned()).isEqualTo(slots);
            assertThat(cache.residents()).hasSize(slots);
            cache.close();
        }
    }

    @Test
    void closingALeaseLetsTheNextReadBegin() throws Exception {
        ExpertCache cache = open(2, false);
        try (ExpertVisit visit = cache.visit(0, new int[] {0, 1, 2, 3})) {
            assertThat(arena.waitingExperts()).containsExactly(0, 1);
            arena.complete(0, 0);
            ExpertLease lease = visit.next();
            assertThat(arena.waitingExperts()).containsExactly(1);
            lease.close();
            assertThat(arena.waitingExperts()).containsExactly(1, 2);
            lease.close();
            assertThat(arena.waitingExperts()).containsExactly(1, 2);
            arena.complete(0, 1);
            arena.complete(0, 2);
        }
        cache.close();
    }

    @Test
    void aVisitReadsAheadNoFurtherThanAllowed() throws Exception {
        arena = new FakeArena(8, false);
        ExpertCache cache = builder(8).inFlight(2).build();
        try (ExpertVisit visit = cache.visit(0, new int[] {0, 1, 2, 3})) {
            assertThat(arena.waitingExperts()).containsExactly(0, 1);
            arena.complete(0, 1);
            assertThat(arena.waitingExperts()).containsExactly(0);
            assertThat(take(visit)).isEqualTo(1);
            assertThat(arena.waitingExperts()).containsExactly(0, 2);
            arena.complete(0, 0);
            arena.complete(0, 2);
        }
        cache.close();
    }

    @Test
    void aReadUnderWayIsJoined() throws Exception {
        ExpertCache cache = open(4, false);
        try (ExpertVisit first = cache.visit(0, new int[] {0, 1});
                ExpertVisit second = cache.visit(0, new int[] {1, 2})) {
            assertThat(arena.waitingExperts()).containsExactly(0, 1, 2);
            arena.complete(0, 1);
            ExpertLease one = first.next();
            ExpertLease same = second.next();
            assertThat(one.slot()).isEqualTo(same.slot());
            one.close();
            assertThat(arena.holds(same)).isTrue();
            same.close();
            arena.complete(0, 0);
            arena.complete(0, 2);
            assertThat(drain(first)).containsExactly(0);
            assertThat(drain(second)).containsExactly(2);
        }
        assertThat(cache.stats().loads()).isEqualTo(3);
        assertThat(cache.stats().misses()).isEqualTo(4);
        cache.close();
    }

    @Test
    void whatArrivesIsKeptForTheVisitThatWaits() throws Exception {
        ExpertCache cache = open(1, false);
        ExpertVisit first = cache.visit(0, new int[] {0});
        ExpertVisit second = cache.visit(0, new int[] {1});
        arena.complete(0, 0);
        assertThat(arena.waiting()).isEmpty();
        assertThat(take(first)).isEqualTo(0);
        first.close();
        Thread reader =
                new Thread(
                        () -> {
                            arena.awaitWaiting(new ExpertId(0, 1));
                            arena.complete(0, 1);
                        });
        reader.start();
        assertThat(take(second)).isEqualTo(1);
        second.close();
        reader.join();
        cache.close();
    }

    @Test
    void aVisitTakesOutOfTurnWhatAnotherBroughtIn() throws Exception {
        arena = new FakeArena(4, false);
        ExpertCache cache = builder(4).inFlight(1).build();
        try (ExpertVisit visit = cache.visit(0, new int[] {0, 1, 2})) {
            assertThat(arena.waitingExperts()).containsExactly(0);
            try (ExpertVisit other = cache.visit(0, new int[] {2})) {
                arena.complete(0, 2);
                assertThat(take(other)).isEqualTo(2);
            }
            assertThat(take(visit)).as("expert 0 is still being read").isEqualTo(2);
            arena.complete(0, 0);
            assertThat(take(visit)).isEqualTo(0);
            arena.complete(0, 1);
            assertThat(take(visit)).isEqualTo(1);
            assertThat(visit.next()).isNull();
        }
        assertThat(cache.stats().loads()).isEqualTo(3);
        cache.close();
    }

    @Test
    void aSlotGoesToTheVisitThatHasNothingElse() throws Exception {
        ExpertCache cache = open(1, false);
        try (ExpertVisit wide = cache.visit(0, new int[] {0, 1})) {
            arena.complete(0, 0);
            ExpertLease lease = wide.next();
            AtomicReference<Integer> taken = new AtomicReference<>();
            Thread starved =
                    new Thread(
                            () -> {
                                try (ExpertVisit visit = cache.visit(1, new int[] {5})) {
                                    taken.set(take(visit));
                                } catch (Exception e) {
                                    throw new AssertionError(e);
                                }
                            });
            starved.start();
            while (starved.getState() != Thread.State.TIMED_WAITING) {
                Thread.yield();
            }
            lease.close();
            assertThat(arena.begun()).doesNotContain(new ExpertId(0, 1));
            arena.awaitWaiting(new ExpertId(1, 5));
            arena.complete(1, 5);
            starved.join();
            assertThat(taken).hasValue(5);
            Thread reader =
                    new Thread(
                            () -> {
                                arena.awaitWaiting(new ExpertId(0, 1));
                                arena.complete(0, 1);
                            });
            reader.start();
            assertThat(take(wide)).isEqualTo(1);
            reader.join();
        }
        cache.close();
    }

    @Test
    void aFailedReadIsToldToAllWhoWaitAndTriedAgainLater() throws Exception {
        ExpertCache cache = open(3, false);
        try (ExpertVisit first = cache.visit(2, new int[] {0, 1});
                ExpertVisit second = cache.visit(2, new int[] {0})) {
            IOException reason = new IOException("unexpected end of file");
            arena.fail(2, 0, reason);
            for (ExpertVisit visit : List.of(first, second)) {
                assertThatThrownBy(visit::next)
                        .isInstanceOfSatisfying(
                                ExpertLoadException.class,
                                e -> assertThat(e.id()).isEqualTo(new ExpertId(2, 0)))
                        .hasMessage("Cannot load expert L2/E0: unexpected end of file")
                        .hasCause(reason);
            }
            assertThat(second.next()).isNull();
            arena.complete(2, 1);
            assertThat(drain(first)).containsExactly(1);
        }
        assertThat(cache.stats().loadFailures()).isEqualTo(1);
        readNow(cache, 2, 0);
        assertThat(cache.stats().loads()).isEqualTo(2);
        cache.close();
    }

    @Test
    void aLoaderThatThrowsOrReturnsNothingFailsTheRead() throws Exception {
        for (int kind = 0; kind < 3; kind++) {
            int failure = kind;
            ExpertLoader loader =
                    (id, slot, priority) ->
                            switch (failure) {
                                case 0 -> throw new IllegalStateException("closed");
                                case 1 -> nothing();
                                default ->
                                        CompletableFuture.failedFuture(
                                                new CompletionException(new IOException("gone")));
                            };
            ExpertCache cache = ExpertCache.builder(loader).shape(1, 1).slots(1).build();
            try (ExpertVisit visit = cache.visit(0, new int[] {0})) {
                assertThatThrownBy(visit::next)
                        .isInstanceOf(ExpertLoadException.class)
                        .hasMessageEndingWith(
                                List.of("closed", "no future from the loader", "gone")
                                        .get(failure));
            }
            cache.close();
        }
    }

    @Test
    void aReadThatTakesTooLongTimesOutAndKeepsItsSlot() throws Exception {
        AtomicLong now = new AtomicLong();
        arena = new FakeArena(1, false);
        // Each look at the clock takes four seconds.
        ExpertCache cache =
                builder(1)
                        .loadTimeout(Duration.ofSeconds(1))
                        .clock(() -> now.getAndAdd(4_000_000_000L))
                        .build();
        ExpertVisit visit = cache.visit(3, new int[] {1});
        assertThatThrownBy(visit::next)
                .isInstanceOf(TimeoutException.class)
                .hasMessage(
                        "Expert L3/E1 did not arrive within 1 s; its read into slot 0 began 12 s"
                                + " ago");
        visit.close();
        ExpertVisit other = cache.visit(3, new int[] {2});
        assertThatThrownBy(other::next)
                .isInstanceOf(TimeoutException.class)
                .hasMessage(
                        "No slot came free for expert L3/E2 within 1 s: of 1 slots 0 are held and 1"
                                + " being read into; close leases sooner or raise the expert"
                                + " budget");
        other.close();
        assertThatThrownBy(cache::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(
                        "Cannot close the expert cache: 1 reads did not end within 1 s, their slots"
                                + " may still be written to; being read: L3/E1");
        assertThat(arena.waitingExperts()).containsExactly(1);
        arena.complete(3, 1);
        cache.close();
    }

    @Test
    void aVisitIsTriedAgainAfterATimeout() throws Exception {
        AtomicLong step = new AtomicLong(4_000_000_000L);
        AtomicLong now = new AtomicLong();
        arena = new FakeArena(1, false);
        ExpertCache cache =
                builder(1)
                        .loadTimeout(Duration.ofSeconds(1))
                        .clock(() -> now.getAndAdd(step.get()))
                        .build();
        try (ExpertVisit visit = cache.visit(0, new int[] {1})) {
            assertThatThrownBy(visit::next).isInstanceOf(TimeoutException.class);
            step.set(0);
            arena.complete(0, 1);
            assertThat(take(visit)).isEqualTo(1);
        }
        cache.close();
    }

    @Test
    void anInterruptEndsTheWaitAndHarmsNothing() throws Exception {
        ExpertCache cache = open(1, false);
        try (ExpertVisit visit = cache.visit(0, new int[] {1})) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(visit::next).isInstanceOf(InterruptedException.class);
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            arena.complete(0, 1);
            assertThat(take(visit)).isEqualTo(1);
        }
        cache.close();
    }

    @Test
    void onlyWaitingCountsAsStall() throws Exception {
        AtomicLong now = new AtomicLong();
        arena = new FakeArena(2, false);
        ExpertCache cache = builder(2).clock(() -> now.getAndAdd(10)).build();
        try (ExpertVisit visit = cache.visit(0, new int[] {0, 1})) {
            arena.complete(0, 0);
            take(visit);
            assertThat(cache.stats().stallNanos()).isZero();
            Thread.currentThread().interrupt();
            assertThatThrownBy(visit::next).isInstanceOf(InterruptedException.class);
            assertThat(cache.stats().stallNanos()).isEqualTo(10);
            arena.complete(0, 1);
        }
        cache.close();
    }

    @Test
    void closingEarlyGivesUpTheRestAndKeepsWhatIsBeingRead() throws Exception {
        ExpertCache cache = open(3, false);
        readNow(cache, 0, 0);
        ExpertVisit visit = cache.visit(0, new int[] {0, 1, 2, 3, 4});
        assertThat(arena.waitingExperts()).containsExactly(1, 2);
        visit.close();
        visit.close();
        assertThatThrownBy(visit::next)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("The visit is closed");
        arena.complete(0, 1);
        arena.fail(0, 2, new IOException("nobody waits for this"));
        assertThat(cache.residents())
                .containsExactlyInAnyOrder(new ExpertId(0, 0), new ExpertId(0, 1));
        assertThat(arena.waiting()).isEmpty();
        cache.close();
    }

    @Test
    void aLeaseMayOutliveItsVisit() throws Exception {
        ExpertCache cache = open(1, true);
        ExpertLease lease;
        try (ExpertVisit visit = cache.visit(0, new int[] {0})) {
            lease = visit.next();
        }
        ExpertVisit other = cache.visit(0, new int[] {1});
        assertThat(arena.begun()).containsExactly(new ExpertId(0, 0));
        assertThat(arena.holds(lease)).isTrue();
        lease.close();
        assertThat(drain(other)).containsExactly(1);
        other.close();
        assertThatThrownBy(lease::slot)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("The lease of expert L0/E0 is closed; slot 0 may hold another expert");
        assertThat(lease.id()).isEqualTo(new ExpertId(0, 0));
        cache.close();
    }

    @Test
    void badRequestsAreRefusedAndChangeNothing() {
        ExpertCache cache = open(2, true);
        assertThatThrownBy(() -> cache.visit(0, new int[] {1, 5, 1}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Expert L0/E1 is named twice in one visit");
        assertThatThrownBy(() -> cache.visit(4, new int[] {1}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "There is no expert 1 of layer 4: the model has 4 layers of 8 experts,"
                                + " numbered from 0");
        assertThatThrownBy(() -> cache.visit(0, new int[] {1, -1}))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(cache.stats().misses()).isZero();
        assertThat(arena.begun()).isEmpty();
        cache.close();
    }

    @Test
    void closingFailsWhileSomethingIsOpen() throws Exception {
        ExpertCache cache = open(2, true);
        ExpertVisit visit = cache.visit(0, new int[] {0, 1});
        ExpertLease lease = visit.next();
        assertThatThrownBy(cache::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(
                        "Cannot close the expert cache: 1 leases and 1 visits are open; held:"
                                + " L0/E0, L0/E1");
        visit.close();
        assertThatThrownBy(cache::close).hasMessageContaining("1 leases and 0 visits");
        lease.close();
        cache.close();
        cache.close();
        assertThat(cache.residents()).isEmpty();
        assertThatThrownBy(() -> cache.visit(0, new int[] {0}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("The expert cache is closed");
        assertThat(cache.prefetch(new ExpertId(0, 0))).isFalse();
    }

    @Test
    void closingWaitsForReadsUnderWay() throws Exception {
        ExpertCache cache = open(1, false);
        cache.visit(0, new int[] {0}).close();
        AtomicReference<Boolean> readEnded = new AtomicReference<>(false);
        Thread closer =
                new Thread(
                        () -> {
                            cache.close();
                            assertThat(readEnded.get()).isTrue();
                            readEnded.set(null);
                        });
        closer.start();
        readEnded.set(true);
        arena.complete(0, 0);
        closer.join();
        assertThat(readEnded.get()).isNull();
        assertThat(cache.residents()).isEmpty();
    }

    private ExpertCache open(int slots, boolean immediate) {
        arena = new FakeArena(slots, immediate);
        return builder(slots).build();
    }

    private ExpertCacheBuilder builder(int slots) {
        ledger = new SlotLedger(slots);
        return ExpertCache.builder(arena)
                .shape(4, 8)
                .slots(slots)
                .expertBytes(id -> 100)
                .listener(ledger);
    }

    /** Makes experts resident. */
    private void readNow(ExpertCache cache, int layer, int... experts) throws Exception {
        try (ExpertVisit visit = cache.visit(layer, experts)) {
            for (FakeArena.Read read : arena.waiting()) {
                arena.complete(read.id().layer(), read.id().expert());
            }
            drain(visit);
        }
    }

    private List<Integer> drain(ExpertVisit visit) throws Exception {
        List<Integer> experts = new ArrayList<>();
        for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
            try (ExpertLease pinned = lease) {
                assertThat(arena.holds(pinned)).isTrue();
                experts.add(pinned.id().expert());
            }
        }
        return experts;
    }

    private int take(ExpertVisit visit) throws Exception {
        try (ExpertLease lease = visit.next()) {
            assertThat(arena.holds(lease)).isTrue();
            return lease.id().expert();
        }
    }

    @SuppressWarnings("NullAway") // a loader that breaks its contract
    private static CompletableFuture<Void> nothing() {
        return null;
    }
}
