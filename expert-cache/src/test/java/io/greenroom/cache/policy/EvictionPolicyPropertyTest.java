package io.greenroom.cache.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.ExpertId;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.jspecify.annotations.Nullable;

/** Random operations on every policy against a set of residents: what an owner may rely on. */
class EvictionPolicyPropertyTest {

    private static final CacheShape SHAPE = new CacheShape(4, 12, 3);

    private final Set<ExpertId> residents = new HashSet<>();
    private int slots;

    @Property(tries = 300)
    void victimsAreEvictableResidentsAndNobodyIsLostOrInvented(
            @ForAll PolicyName name,
            @ForAll boolean split,
            @ForAll @IntRange(min = 1, max = 50) int initialSlots,
            @ForAll @Size(max = 200) List<@IntRange(max = 999_999) Integer> operations) {
        residents.clear();
        slots = initialSlots;
        EvictionPolicy policy =
                EvictionPolicies.create(
                        name, SHAPE, slots, split ? LayerSplit.even(SHAPE.layers()) : null);
        int step = 0;
        for (int operation : operations) {
            perform(policy, new Random(operation), step++ % SHAPE.layers());
            assertThat(policy.size()).isEqualTo(residents.size());
            assertThat(residents).hasSizeLessThanOrEqualTo(slots);
        }
        Set<ExpertId> left = new HashSet<>();
        while (!residents.isEmpty()) {
            ExpertId victim = checkVictim(policy.victim(id -> true), Set.of());
            assertThat(victim).as("%s residents left", residents.size()).isNotNull();
            assertThat(left.add(victim)).isTrue();
            evict(policy, victim);
        }
        assertThat(policy.victim(id -> true)).isNull();
        assertThat(policy.spare(id -> true)).isNull();
    }

    private void perform(EvictionPolicy policy, Random random, int layer) {
        switch (random.nextInt(12)) {
            case 0 -> { // a slot is taken that the policy did not offer
                if (!residents.isEmpty()) {
                    evict(policy, residents.stream().sorted().toList().get(0));
                }
            }
            case 1 -> {
                slots = 1 + random.nextInt(50);
                policy.resize(slots);
                while (residents.size() > slots) {
                    ExpertId victim = policy.victim(id -> true);
                    assertThat(victim).isNotNull();
                    evict(policy, victim);
                }
            }
            case 2 -> {
                Set<ExpertId> held = held(random);
                ExpertId spare = checkVictim(policy.spare(id -> !held.contains(id)), held);
                if (spare != null) {
                    evict(policy, spare);
                }
            }
            default -> visit(policy, random, layer);
        }
    }

    /** As the cache does it: residents first, then slots for the missing, then their arrival. */
    private void visit(EvictionPolicy policy, Random random, int layer) {
        int[] experts =
                random.ints(0, SHAPE.experts())
                        .distinct()
                        .limit(1 + random.nextInt(SHAPE.experts()))
                        .toArray();
        float[] scores = new float[SHAPE.experts()];
        for (int expert : experts) {
            scores[expert] = random.nextFloat();
        }
        policy.observed(layer, scores);
        policy.visiting(layer, experts);
        Set<ExpertId> held = new HashSet<>();
        for (int expert : experts) {
            ExpertId id = new ExpertId(layer, expert);
            if (residents.contains(id)) {
                policy.used(id);
                held.add(id);
            }
        }
        for (int expert : experts) {
            ExpertId id = new ExpertId(layer, expert);
            if (residents.contains(id)) {
                continue;
            }
            if (residents.size() == slots) {
                ExpertId victim = checkVictim(policy.victim(other -> !held.contains(other)), held);
                assertThat(victim == null).isEqualTo(held.containsAll(residents));
                if (victim == null) {
                    return;
                }
                evict(policy, victim);
            }
            policy.admitted(id);
            residents.add(id);
            if (random.nextBoolean()) {
                held.add(id);
            }
        }
    }

    private Set<ExpertId> held(Random random) {
        Set<ExpertId> held = new HashSet<>();
        for (ExpertId id : residents.stream().sorted().toList()) {
            if (random.nextInt(3) == 0) {
                held.add(id);
            }
        }
        return held;
    }

    private @Nullable ExpertId checkVictim(@Nullable ExpertId victim, Set<ExpertId> held) {
        if (victim != null) {
            assertThat(residents).contains(victim);
            assertThat(held).doesNotContain(victim);
        }
        return victim;
    }

    private void evict(EvictionPolicy policy, ExpertId id) {
        policy.evicted(id);
        residents.remove(id);
        assertThatThrownBy(() -> policy.evicted(id))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Expert " + id + " is not resident");
    }
}
