package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** That W-TinyLFU decides who stays, not arrival order. */
class CachePolicyTest {

    private static final int EXPERTS = 64;

    @Test
    void hotExpertsSurviveAScan() throws Exception {
        ExpertCache cache = open(32);
        visit(cache, 1, IntStream.range(0, 32).toArray()); // it is full: Caffeine counts from here
        int[] hot = IntStream.range(0, 8).toArray();
        for (int round = 0; round < 10; round++) {
            visit(cache, 0, hot);
            visit(cache, 1, 32 + round);
        }
        for (int layer = 2; layer < 8; layer++) {
            for (int expert = 0; expert < EXPERTS; expert += 4) {
                visit(cache, layer, expert, expert + 1, expert + 2, expert + 3);
            }
        }
        // 384 experts passed through 32 slots; the least lately used would have left long ago.
        for (int expert : hot) {
            assertThat(cache.isResident(new ExpertId(0, expert))).as("expert %s", expert).isTrue();
        }
    }

    @Test
    void everyHitCountsEvenInWideVisits() throws Exception {
        ExpertCache cache = open(48);
        int[] often = IntStream.range(0, 20).toArray();
        int[] once = IntStream.range(20, 32).toArray();
        visit(cache, 0, often);
        visit(cache, 0, once);
        for (int round = 0; round < 4; round++) {
            visit(cache, 0, often); // 20 hits in a row: more than Caffeine's read buffer holds
        }
        for (int layer = 1; layer < 10; layer++) {
            for (int expert = 0; expert < 32; expert++) {
                visit(cache, layer, expert);
            }
        }
        for (int expert : often) {
            assertThat(cache.isResident(new ExpertId(0, expert))).as("expert %s", expert).isTrue();
        }
    }

    @Test
    void expertsGivenUpByThePolicyServeUntilTheirSlotIsNeeded() throws Exception {
        ExpertCache cache = open(32); // Caffeine keeps 28
        for (int expert = 0; expert < 32; expert++) {
            visit(cache, 0, expert);
        }
        assertThat(cache.residents()).hasSize(32);
        assertThat(cache.stats().evictions()).isZero();
        visit(cache, 0, IntStream.range(0, 32).toArray());
        assertThat(cache.stats().hits()).isEqualTo(32);
        assertThat(cache.stats().loads()).isEqualTo(32);
    }

    private static ExpertCache open(int slots) {
        return ExpertCache.builder(new FakeArena(slots, true))
                .shape(20, EXPERTS)
                .slots(slots)
                .floor(4)
                .build();
    }

    private static void visit(ExpertCache cache, int layer, int... experts) throws Exception {
        try (ExpertVisit visit = cache.visit(layer, experts)) {
            for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
                lease.close();
            }
        }
        ((PagedExpertCache) cache).checkInvariants();
    }
}
