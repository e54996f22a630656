package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/**
 * Random operations against what the contract promises. One thread does everything: it opens
 * several visits at once, ends reads in any order, some with failure, and asks visits for more
 * whether or not they have any. Time passes so fast that a visit with nothing to give times out
 * instead of waiting.
 */
class ExpertCachePropertyTest {

    private static final int LAYERS = 4;
    private static final int EXPERTS = 12;

    /** A visit as the contract sees it. */
    private record Open(ExpertVisit visit, int layer, Set<Integer> expected) {}

    private FakeArena arena = new FakeArena(0, true);
    private SlotLedger ledger = new SlotLedger(0);
    private PagedExpertCache cache = open(1, 1, 1, PolicyName.LRU, false);
    private final List<Open> visits = new ArrayList<>();
    private final List<ExpertLease> leases = new ArrayList<>();
    private long asked;
    private long hints;
    private long completed;
    private long failed;
    private int capacity;
    private int floor;
    private final List<CompletableFuture<Integer>> resizes = new ArrayList<>();

    @Property(tries = 1000)
    void keepsItsPromises(
            @ForAll @IntRange(min = 1, max = 40) int slots,
            @ForAll @IntRange(min = 1, max = 4) int floor,
            @ForAll @IntRange(min = 0, max = 8) int roomToGrow,
            @ForAll PolicyName policy,
            @ForAll boolean split,
            @ForAll @Size(max = 120) List<@IntRange(max = 999_999) Integer> operations)
            throws Exception {
        reset(slots, floor, slots + roomToGrow + floor, policy, split);
        for (int operation : operations) {
            perform(new Random(operation));
            check();
        }
        while (!visits.isEmpty()) {
            finish(visits.get(0));
        }
        closeAllLeases();
        endReads();
        check();
        checkResizes();
        cache.close();
        assertThat(cache.residents()).isEmpty();
    }

    private void perform(Random random) throws Exception {
        switch (random.nextInt(18)) {
            case 0, 1 -> openVisit(random);
            case 2, 3, 4 -> {
                if (!visits.isEmpty()) {
                    step(visits.get(random.nextInt(visits.size())));
                }
            }
            case 5, 6 -> {
                if (!leases.isEmpty()) {
                    leases.remove(random.nextInt(leases.size())).close();
                }
            }
            case 7, 8, 9 -> endRead(random, random.nextInt(6) == 0);
            case 10 -> {
                ExpertId id = new ExpertId(random.nextInt(LAYERS), random.nextInt(EXPERTS));
                boolean before = cache.isResident(id) || isBeingRead(id);
                boolean started = cache.prefetch(id);
                assertThat(started && before).as("read twice").isFalse();
                hints += started ? 1 : 0;
            }
            case 11, 12 -> {
                int slots = floor + random.nextInt(capacity - floor + 1);
                resizes.add(cache.resize(slots));
            }
            case 13, 14 -> {
                ExpertId in = new ExpertId(random.nextInt(LAYERS), random.nextInt(EXPERTS));
                List<ExpertId> residents = new ArrayList<>(cache.residents());
                if (!residents.isEmpty()) {
                    ExpertId out = residents.get(random.nextInt(residents.size()));
                    boolean before = cache.isResident(in) || isBeingRead(in);
                    boolean held = leases.stream().anyMatch(lease -> lease.id().equals(out));
                    boolean started = cache.swap(in, out);
                    assertThat(started && (before || held)).isFalse();
                    assertThat(cache.isResident(out)).isEqualTo(!started);
                }
            }
            case 15 -> cache.warm(warmUp(random));
            case 16 -> {
                if (random.nextBoolean()) {
                    cache.observed(random.nextInt(LAYERS), new float[EXPERTS]);
                }
                cache.expireHints(random.nextInt(LAYERS));
            }
            default -> {
                if (!visits.isEmpty()) {
                    visits.remove(random.nextInt(visits.size())).visit.close();
                }
            }
        }
    }

    private static List<ExpertId> warmUp(Random random) {
        List<ExpertId> ids = new ArrayList<>();
        for (int i = random.nextInt(8); i >= 0; i--) {
            ids.add(new ExpertId(random.nextInt(LAYERS), random.nextInt(EXPERTS)));
        }
        return ids;
    }

    private void openVisit(Random random) {
        int layer = random.nextInt(LAYERS);
        List<Integer> all = new ArrayList<>();
        for (int expert = 0; expert < EXPERTS; expert++) {
            all.add(expert);
        }
        Collections.shuffle(all, random);
        List<Integer> experts = all.subList(0, random.nextInt(EXPERTS + 1));
        int[] array = experts.stream().mapToInt(e -> e).toArray();
        visits.add(new Open(cache.visit(layer, array), layer, new HashSet<>(experts)));
        asked += array.length;
    }

    /** Asks a visit for its next expert; returns whether it gave, failed or ended. */
    private boolean step(Open open) throws Exception {
        try {
            ExpertLease lease = open.visit.next();
            if (lease == null) {
                assertThat(open.expected).as("never handed out").isEmpty();
                open.visit.close();
                visits.remove(open);
                return true;
            }
            assertThat(lease.id().layer()).isEqualTo(open.layer);
            assertThat(open.expected.remove(lease.id().expert()))
                    .as("%s handed out twice", lease.id())
                    .isTrue();
            leases.add(lease);
            return true;
        } catch (ExpertLoadException e) {
            assertThat(open.expected.remove(e.id().expert())).as("%s", e.id()).isTrue();
            return true;
        } catch (TimeoutException e) {
            for (int expert : open.expected) {
                ExpertId id = new ExpertId(open.layer, expert);
                assertThat(cache.isResident(id) && leases.isEmpty() && visits.size() == 1)
                        .as("%s is there but not handed out", id)
                        .isFalse();
            }
            boolean alone = leases.isEmpty() && visits.size() == 1 && arena.waiting().isEmpty();
            assertThat(alone).as("waits although nothing is in its way").isFalse();
            return false;
        }
    }

    /** Drains a visit while the other visits give way. */
    private void finish(Open open) throws Exception {
        while (visits.contains(open)) {
            if (!step(open)) {
                closeAllLeases();
                if (arena.waiting().isEmpty()) {
                    visits.stream().filter(other -> other != open).forEach(v -> v.visit.close());
                    visits.removeIf(other -> other != open);
                }
                endReads();
            }
            check();
        }
    }

    private void endRead(Random random, boolean failing) {
        List<FakeArena.Read> waiting = arena.waiting();
        if (!waiting.isEmpty()) {
            ExpertId id = waiting.get(random.nextInt(waiting.size())).id();
            if (failing) {
                failed++;
                arena.fail(id.layer(), id.expert(), new IOException("as told"));
            } else {
                completed++;
                arena.complete(id.layer(), id.expert());
            }
        }
    }

    private void endReads() {
        while (!arena.waiting().isEmpty()) {
            endRead(new Random(1), false);
        }
    }

    private void closeAllLeases() {
        leases.forEach(ExpertLease::close);
        leases.clear();
    }

    private boolean isBeingRead(ExpertId id) {
        return arena.waiting().stream().anyMatch(read -> read.id().equals(id));
    }

    private void check() {
        cache.checkInvariants();
        assertThat(ledger.violations()).isEmpty();
        Map<Integer, ExpertId> leased = new HashMap<>();
        for (ExpertLease lease : leases) {
            assertThat(arena.holds(lease)).as("bytes of %s", lease).isTrue();
            ExpertId other = leased.put(lease.slot(), lease.id());
            assertThat(other == null || other.equals(lease.id())).isTrue();
        }
        CacheStats stats = cache.stats();
        assertThat(stats.hits() + stats.misses()).isEqualTo(asked);
        assertThat(stats.loads()).isEqualTo(completed);
        assertThat(stats.loadFailures()).isEqualTo(failed);
        assertThat(stats.bytesLoaded()).isEqualTo(completed * 100);
        assertThat(stats.loads() - stats.evictions()).isEqualTo(cache.residents().size());
        assertThat(cache.residentCount()).isEqualTo(cache.residents().size());
        assertThat(stats.prefetchIssued()).isEqualTo(hints);
        assertThat(stats.prefetchUseful() + stats.prefetchLate() + stats.prefetchWasted())
                .isLessThanOrEqualTo(hints);
        long ended = completed + failed + stats.background().hintsCancelled();
        assertThat(arena.begun()).hasSize((int) ended + arena.waiting().size());
        assertThat(cache.slots()).isEqualTo(Math.max(ledger.inMemory(), ledger.target()));
        assertThat(stats.background().slotsRetired()).isEqualTo(arena.retired().size());
        assertThat(stats.background().resizes()).isEqualTo(resizes.size());
    }

    /**
     * Nothing is held any longer: the last resize is reached, the others are or were superseded.
     */
    private void checkResizes() {
        assertThat(ledger.unsettled()).isZero();
        assertThat(ledger.misses()).isEqualTo(cache.stats().misses());
        assertThat(ledger.stallNanos()).isEqualTo(cache.stats().stallNanos());
        for (CompletableFuture<Integer> resize : resizes) {
            assertThat(resize).isDone();
        }
        if (!resizes.isEmpty()) {
            assertThat(resizes.get(resizes.size() - 1)).isCompletedWithValue(cache.slots());
            assertThat(cache.slots()).isEqualTo(ledger.target());
        }
    }

    private void reset(int slots, int leastSlots, int mostSlots, PolicyName policy, boolean split) {
        cache = open(slots, leastSlots, mostSlots, policy, split);
        floor = leastSlots;
        capacity = mostSlots;
        resizes.clear();
        visits.clear();
        leases.clear();
        asked = 0;
        hints = 0;
        completed = 0;
        failed = 0;
    }

    private PagedExpertCache open(
            int slots, int floor, int capacity, PolicyName policy, boolean split) {
        AtomicLong now = new AtomicLong();
        arena = new FakeArena(capacity, false);
        arena.cancelReads();
        ledger = new SlotLedger(slots, capacity);
        return (PagedExpertCache)
                ExpertCache.builder(arena)
                        .shape(LAYERS, EXPERTS)
                        .slots(slots)
                        .capacity(capacity)
                        .floor(floor)
                        .policy(policy, split ? LayerSplit.even(LAYERS) : null)
                        .inFlight(1 + slots / 2)
                        .expertBytes(id -> 100)
                        .loadTimeout(Duration.ofNanos(1))
                        .clock(() -> now.getAndAdd(1000))
                        .listener(ledger)
                        .build();
    }
}
