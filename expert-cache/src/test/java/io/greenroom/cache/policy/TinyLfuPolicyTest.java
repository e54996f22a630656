package io.greenroom.cache.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ExpertId;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** That Caffeine decides who stays, not arrival order. */
class TinyLfuPolicyTest {

    private static final CacheShape SHAPE = new CacheShape(20, 64, 4);

    private final Set<ExpertId> residents = new HashSet<>();
    private EvictionPolicy policy = open(32);
    private int slots = 32;

    @Test
    void hotExpertsSurviveAScan() {
        visit(1, IntStream.range(0, 32).toArray()); // it is full: Caffeine counts from here
        int[] hot = IntStream.range(0, 8).toArray();
        for (int round = 0; round < 10; round++) {
            visit(0, hot);
            visit(1, 32 + round);
        }
        scan();
        assertThat(residents).contains(ids(hot));
    }

    @Test
    void everyUseCountsEvenInWideVisits() {
        policy = open(48);
        slots = 48;
        int[] often = IntStream.range(0, 20).toArray();
        visit(0, often);
        visit(0, IntStream.range(20, 32).toArray());
        for (int round = 0; round < 4; round++) {
            visit(0, often); // 20 in a row: more than Caffeine's read buffer holds
        }
        scan();
        assertThat(residents).contains(ids(often));
    }

    @Test
    void whatCaffeineGivesUpServesUntilItsSlotIsNeeded() {
        visit(0, IntStream.range(0, 28).toArray());
        assertThat(policy.spare(id -> true)).isNull(); // Caffeine keeps 28
        visit(0, 28, 29, 30, 31);
        assertThat(policy.spare(id -> true)).isNotNull();
        assertThat(residents).hasSize(32);
        visit(0, IntStream.range(0, 32).toArray());
        assertThat(residents).hasSize(32);
        assertThat(policy.size()).isEqualTo(32);
    }

    @Test
    void shrinkingOffersTheColdestFirst() {
        int[] hot = IntStream.range(0, 8).toArray();
        visit(0, IntStream.range(0, 32).toArray());
        for (int round = 0; round < 5; round++) {
            visit(0, hot);
        }
        policy.resize(8);
        slots = 8;
        while (residents.size() > 8) {
            evict(policy.victim(id -> true));
        }
        assertThat(residents).contains(ids(IntStream.range(0, 6).toArray()));
    }

    private static EvictionPolicy open(int slots) {
        return EvictionPolicies.create(PolicyName.TINYLFU, SHAPE, slots, null);
    }

    /** 384 experts pass through: the least lately used would leave long before the end. */
    private void scan() {
        for (int layer = 2; layer < 8; layer++) {
            for (int expert = 0; expert < 64; expert++) {
                visit(layer, expert);
            }
        }
    }

    private static ExpertId[] ids(int... experts) {
        return IntStream.of(experts).mapToObj(e -> new ExpertId(0, e)).toArray(ExpertId[]::new);
    }

    private void visit(int layer, int... experts) {
        policy.visiting(layer, experts);
        for (int expert : experts) {
            ExpertId id = new ExpertId(layer, expert);
            if (residents.contains(id)) {
                policy.used(id);
                continue;
            }
            if (residents.size() == slots) {
                evict(policy.victim(any -> true));
            }
            policy.admitted(id);
            residents.add(id);
        }
    }

    private void evict(@Nullable ExpertId victim) {
        assertThat(victim).isNotNull();
        policy.evicted(victim);
        residents.remove(victim);
    }
}
