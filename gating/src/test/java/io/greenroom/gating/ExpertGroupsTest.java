package io.greenroom.gating;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ExpertGroupsTest {

    @Test
    void tokensAreGroupedByTheExpertTheyChose() {
        // token 0 -> 5, 2; token 1 -> 2, 7; token 2 -> 7, 2
        RoutingDecision decision =
                new RoutingDecision(3, 2, new int[] {5, 2, 2, 7, 7, 2}, new float[6]);
        ExpertGroups groups = new ExpertGroups(8).group(decision);
        assertThat(groups.count()).isEqualTo(3);
        assertThat(groups.experts()).containsExactly(2, 7, 5);
        assertThat(groups.expert(1)).isEqualTo(7);
        assertThat(groups.size(0)).isEqualTo(3);
        assertThat(groups.groupOf(5)).isEqualTo(2);
        assertThat(groups.groupOf(0)).isEqualTo(-1);
        int[] rows = new int[3];
        int[] outRows = new int[3];
        assertThat(groups.copyTo(0, rows, outRows)).isEqualTo(3);
        assertThat(rows).containsExactly(0, 1, 2);
        assertThat(outRows).containsExactly(1, 2, 5);
        assertThat(groups.copyTo(1, rows, outRows)).isEqualTo(2);
        assertThat(rows).startsWith(1, 2);
        assertThat(outRows).startsWith(3, 4);
    }

    @Test
    void anEmptyBatchHasNoGroups() {
        ExpertGroups groups =
                new ExpertGroups(4).group(new RoutingDecision(0, 2, new int[0], new float[0]));
        assertThat(groups.count()).isZero();
        assertThat(groups.experts()).isEmpty();
        assertThatThrownBy(() -> groups.size(0)).hasMessage("Group 0 of 0");
    }

    @Test
    void anExpertOutOfRangeIsRefused() {
        ExpertGroups groups = new ExpertGroups(4);
        assertThatThrownBy(
                        () -> groups.group(new RoutingDecision(1, 1, new int[] {4}, new float[1])))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The decision names expert 4, but there are 4");
    }

    @Property(tries = 300)
    void everyChoiceIsInExactlyOneGroupHoweverOftenGroupsAreReused(
            @ForAll @IntRange(min = 1, max = 40) int experts,
            @ForAll @IntRange(min = 1, max = 4) int batches,
            @ForAll long seed) {
        Random random = new Random(seed);
        ExpertGroups groups = new ExpertGroups(experts);
        int k = 1 + random.nextInt(experts);
        for (int batch = 0; batch < batches; batch++) {
            RoutingDecision decision = randomDecision(random, experts, k);
            groups.group(decision);

            Map<Integer, List<Integer>> expected = new HashMap<>();
            for (int i = 0; i < decision.experts().length; i++) {
                expected.computeIfAbsent(decision.experts()[i], e -> new ArrayList<>()).add(i);
            }
            assertThat(groups.count()).isEqualTo(expected.size());
            for (int group = 0; group < groups.count(); group++) {
                int expert = groups.expert(group);
                assertThat(groups.groupOf(expert)).isEqualTo(group);
                List<Integer> outputs = new ArrayList<>();
                for (int i = 0; i < groups.size(group); i++) {
                    outputs.add(groups.output(group, i));
                    assertThat(groups.token(group, i)).isEqualTo(groups.output(group, i) / k);
                }
                assertThat(outputs).isEqualTo(expected.get(expert));
                if (group > 0) {
                    int previous = groups.size(group - 1);
                    assertThat(groups.size(group)).isLessThanOrEqualTo(previous);
                    if (groups.size(group) == previous) {
                        assertThat(groups.expert(group - 1)).isLessThan(expert);
                    }
                }
            }
        }
    }

    private static RoutingDecision randomDecision(Random random, int experts, int k) {
        int tokens = random.nextInt(20);
        int[] chosen = new int[tokens * k];
        List<Integer> all = new ArrayList<>();
        for (int e = 0; e < experts; e++) {
            all.add(e);
        }
        for (int token = 0; token < tokens; token++) {
            Collections.shuffle(all, random);
            for (int rank = 0; rank < k; rank++) {
                chosen[token * k + rank] = all.get(rank);
            }
        }
        return new RoutingDecision(tokens, k, chosen, new float[chosen.length]);
    }
}
