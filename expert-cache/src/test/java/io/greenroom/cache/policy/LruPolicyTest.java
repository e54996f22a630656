package io.greenroom.cache.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.ExpertId;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LruPolicyTest {

    private static final CacheShape SHAPE = new CacheShape(3, 8, 2);
    private static final long SEED = 11;

    @Test
    void theExpertUsedLongestAgoLeaves() {
        EvictionPolicy policy = EvictionPolicies.create(PolicyName.LRU, SHAPE, 10, null);
        Set<ExpertId> model = new LinkedHashSet<>();
        Random random = new Random(SEED);
        for (int step = 0; step < 5000; step++) {
            ExpertId id = new ExpertId(random.nextInt(3), random.nextInt(8));
            if (model.remove(id)) {
                policy.used(id);
            } else {
                if (model.size() == 10) {
                    ExpertId oldest = model.iterator().next();
                    assertThat(policy.victim(any -> true)).isEqualTo(oldest);
                    policy.evicted(oldest);
                    model.remove(oldest);
                }
                policy.admitted(id);
            }
            model.add(id);
        }
    }

    @Test
    void heldExpertsArePassedOver() {
        EvictionPolicy policy = EvictionPolicies.create(PolicyName.LRU, SHAPE, 3, null);
        List<ExpertId> ids = List.of(new ExpertId(0, 1), new ExpertId(0, 2), new ExpertId(1, 0));
        ids.forEach(policy::admitted);
        assertThat(policy.victim(id -> id.layer() == 1)).isEqualTo(ids.get(2));
        assertThat(policy.victim(id -> false)).isNull();
    }

    @Test
    void guessesGetAFewSlots() {
        EvictionPolicy policy = EvictionPolicies.create(PolicyName.LRU, SHAPE, 20, null);
        for (int i = 0; i < 18; i++) {
            policy.admitted(new ExpertId(i / 8, i % 8));
        }
        assertThat(policy.spare(id -> true)).isNull();
        policy.admitted(new ExpertId(2, 7)); // the 19th: two may go, as many as a visit takes
        assertThat(policy.spare(id -> true)).isEqualTo(new ExpertId(0, 0));
    }

    @Test
    void saysWhatIsWrong() {
        EvictionPolicy policy = EvictionPolicies.create(PolicyName.LRU, SHAPE, 3, null);
        policy.admitted(new ExpertId(0, 1));
        assertThatThrownBy(() -> policy.admitted(new ExpertId(0, 1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Expert L0/E1 is resident already");
        assertThatThrownBy(() -> policy.used(new ExpertId(0, 2)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Expert L0/E2 is not resident");
        assertThatThrownBy(() -> policy.admitted(new ExpertId(3, 0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("There is no expert L3/E0 here: layers 0 to 2 of 8 experts");
        assertThatThrownBy(() -> policy.resize(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A policy needs at least 1 slot, got 0");
        assertThatThrownBy(() -> new CacheShape(3, 8, 9))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("No model has 3 layers of 8 experts, 9 for each token");
    }
}
