package io.greenroom.cache.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.ExpertId;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SplitPolicyTest {

    private static final CacheShape SHAPE = new CacheShape(3, 8, 2);

    @Property
    void quotasAddUpAndAreWithinOneOfTheirShare(
            @ForAll @Size(min = 1, max = 60) List<@IntRange(max = 200) Integer> list,
            @ForAll @IntRange(min = 1, max = 10_000) int slots) {
        int[] weights = list.stream().mapToInt(w -> w).toArray();
        weights[0]++; // not all may be 0
        double sum = Arrays.stream(weights).sum();
        int[] quotas = new LayerSplit(weights).quotas(slots);
        assertThat(Arrays.stream(quotas).sum()).isEqualTo(slots);
        for (int layer = 0; layer < weights.length; layer++) {
            assertThat(quotas[layer] - slots * weights[layer] / sum).isBetween(-1.0, 1.0);
            assertThat(weights[layer] > 0 || quotas[layer] == 0).isTrue();
        }
    }

    @Test
    void theVisitedLayerGivesUpItsOwnOnceItHasItsQuota() {
        EvictionPolicy policy = split(6);
        admit(policy, 0, 1, 2);
        admit(policy, 1, 1, 2);
        admit(policy, 2, 1, 2);
        policy.visiting(1, new int[] {5});
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(1, 1));
    }

    @Test
    void aLayerBelowItsQuotaTakesFromTheOneMostAbove() {
        EvictionPolicy policy = split(6);
        admit(policy, 0, 1);
        admit(policy, 1, 1, 2);
        admit(policy, 2, 1, 2, 3);
        policy.visiting(0, new int[] {5});
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(2, 1));
    }

    @Test
    void whatTheVisitIsStillToBringInCounts() {
        EvictionPolicy policy = split(6);
        admit(policy, 0, 1, 2);
        admit(policy, 1, 1, 2);
        admit(policy, 2, 1, 2);
        policy.visiting(0, new int[] {5, 6});
        policy.evicted(new ExpertId(0, 1));
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(0, 2));
    }

    @Test
    void whenNoneOfALayerMayLeaveAnotherGives() {
        EvictionPolicy policy = split(6);
        admit(policy, 0, 1, 2, 3, 4);
        admit(policy, 2, 1, 2);
        policy.visiting(2, new int[] {3});
        assertThat(policy.victim(id -> id.layer() == 2)).isEqualTo(new ExpertId(2, 1));
    }

    @Test
    void resizingKeepsTheShares() {
        EvictionPolicy policy =
                EvictionPolicies.create(
                        PolicyName.LRU, SHAPE, 6, new LayerSplit(new int[] {2, 1, 0}));
        admit(policy, 0, 1, 2, 3, 4);
        admit(policy, 1, 1, 2);
        policy.resize(3); // 2 and 1
        policy.visiting(2, new int[] {});
        assertThat(policy.victim(id -> true)).isEqualTo(new ExpertId(0, 1));
    }

    @Test
    void aSplitMustFitTheModel() {
        assertThatThrownBy(
                        () -> EvictionPolicies.create(PolicyName.LRU, SHAPE, 6, LayerSplit.even(4)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The slots are split between 4 layers, but the model has 3");
        assertThatThrownBy(() -> new LayerSplit(new int[] {0, 0}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("At least one layer must have slots, got [0, 0]");
        assertThatThrownBy(() -> new LayerSplit(new int[] {1, -1}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Weights of layers are at least 0, got [1, -1]");
        assertThat(LayerSplit.even(new boolean[] {false, true, true}))
                .isEqualTo(new LayerSplit(new int[] {0, 1, 1}));
    }

    private static EvictionPolicy split(int slots) {
        return EvictionPolicies.create(PolicyName.LRU, SHAPE, slots, LayerSplit.even(3));
    }

    private static void admit(EvictionPolicy policy, int layer, int... experts) {
        for (int expert : experts) {
            policy.admitted(new ExpertId(layer, expert));
        }
    }
}
