package io.greenroom.cache.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ExpertId;
import org.junit.jupiter.api.Test;

/** What distinguishes each of the simpler policies. */
class RivalPoliciesTest {

    private static final CacheShape SHAPE = new CacheShape(3, 8, 2);

    @Test
    void lfuLetsTheLeastOftenUsedLeave() {
        EvictionPolicy policy = create(PolicyName.LFU, 4);
        admit(policy, 0, 1, 2, 3);
        policy.used(new ExpertId(0, 1));
        policy.used(new ExpertId(0, 3));
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(0, 2));
        assertThat(policy.victim(id -> id.expert() != 2)).isEqualTo(new ExpertId(0, 1));
    }

    @Test
    void lfuRemembersWhatLeft() {
        EvictionPolicy policy = create(PolicyName.LFU, 4);
        admit(policy, 0, 1);
        policy.used(new ExpertId(0, 1));
        policy.evicted(new ExpertId(0, 1));
        admit(policy, 0, 2, 1);
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(0, 2));
    }

    @Test
    void lfuForgetsOldUses() {
        EvictionPolicy policy = create(PolicyName.LFU, 4);
        admit(policy, 0, 1, 2);
        for (int i = 0; i < 100; i++) {
            policy.used(new ExpertId(0, 1));
        }
        for (int i = 0; i < 2000; i++) { // 8 * 24 uses halve the counts: ten times
            policy.used(new ExpertId(0, 2));
        }
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(0, 1));
    }

    @Test
    void arcKeepsWhatWasUsedTwiceThroughAScan() {
        EvictionPolicy policy = create(PolicyName.ARC, 4);
        admit(policy, 0, 1, 2);
        policy.used(new ExpertId(0, 1));
        policy.used(new ExpertId(0, 2));
        admit(policy, 1, 0, 1);
        for (int expert = 2; expert < 8; expert++) {
            ExpertId victim = policy.victim(id -> true);
            assertThat(victim).extracting(ExpertId::layer).isEqualTo(1);
            policy.evicted(victim);
            admit(policy, 1, expert);
        }
    }

    @Test
    void arcLearnsFromItsGhosts() {
        EvictionPolicy policy = create(PolicyName.ARC, 4);
        admit(policy, 0, 1, 2);
        policy.used(new ExpertId(0, 1));
        policy.used(new ExpertId(0, 2));
        admit(policy, 1, 0, 1);
        policy.evicted(new ExpertId(1, 0));
        policy.evicted(new ExpertId(1, 1));
        policy.visiting(1, new int[] {0, 1}); // ghosts of those used once: there should be more
        admit(policy, 1, 0, 1);
        admit(policy, 2, 0); // used once, and now protected
        policy.evicted(new ExpertId(1, 0));
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(0, 1));
    }

    @Test
    void leastStaleLetsTheLayerThatHasJustPassedGoFirst() {
        EvictionPolicy policy = create(PolicyName.LEAST_STALE, 6);
        admit(policy, 0, 1, 2);
        admit(policy, 1, 1, 2);
        admit(policy, 2, 1, 2);
        policy.visiting(1, new int[] {5});
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(1, 1));
        assertThat(policy.victim(id -> id.layer() != 1)).isEqualTo(new ExpertId(0, 1));
        assertThat(policy.victim(id -> id.layer() == 2)).isEqualTo(new ExpertId(2, 1));
    }

    @Test
    void onDemandKeepsNothing() {
        EvictionPolicy policy = create(PolicyName.ON_DEMAND, 6);
        admit(policy, 0, 1, 2);
        assertThat(policy.unwanted(id -> id.expert() != 1)).isEqualTo(new ExpertId(0, 2));
        policy.evicted(new ExpertId(0, 2));
        assertThat(policy.unwanted(id -> true)).isEqualTo(new ExpertId(0, 1));
        policy.evicted(new ExpertId(0, 1));
        assertThat(policy.unwanted(id -> true)).isNull();
    }

    @Test
    void othersGiveNothingUpUnasked() {
        for (PolicyName name : PolicyName.values()) {
            if (name != PolicyName.ON_DEMAND) {
                EvictionPolicy policy = create(name, 1);
                admit(policy, 0, 1);
                assertThat(policy.unwanted(id -> true)).as("%s", name).isNull();
            }
        }
    }

    private static EvictionPolicy create(PolicyName name, int slots) {
        return EvictionPolicies.create(name, SHAPE, slots, null);
    }

    private static void admit(EvictionPolicy policy, int layer, int... experts) {
        for (int expert : experts) {
            policy.admitted(new ExpertId(layer, expert));
        }
    }
}
