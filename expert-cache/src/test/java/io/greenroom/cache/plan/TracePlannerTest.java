package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What it comes to on recorded traces: RecordedTracesTest. */
class TracePlannerTest {

    /** The first layer asks for the same two experts, the second goes round all its eight. */
    @Test
    void dividesWhereAPoolWouldThrash() {
        TracePlanner planner = new TracePlanner(List.of(traffic(200, 7)), PolicyName.LRU);
        TracePlanner.Division division = planner.divide(8);
        // two slots hold all of the first layer; nothing short of eight holds the second's round
        int[] split = division.split();
        assertThat(split).isNotNull();
        assertThat(split[0]).isGreaterThanOrEqualTo(2);
        assertThat(split[0] + split[1]).isEqualTo(8);
        assertThat(division.bytesPerToken()).isPositive();
        assertThat(planner.problem(8).least()).isEqualTo(1);
    }

    @Test
    void leavesOnePoolWhereItIsAsGood() {
        TracePlanner planner = new TracePlanner(List.of(traffic(200, 7)), PolicyName.LRU);
        assertThat(planner.divide(16).split()).isNull(); // all experts fit
    }

    @Test
    void plansFromAFewVisitsToo() {
        TracePlanner planner = new TracePlanner(List.of(traffic(5, 7)), PolicyName.LFU);
        int[] split = planner.divide(8).split();
        assertThat(split == null || Arrays.stream(split).sum() == 8).isTrue();
    }

    @Test
    void wantsTraffic() {
        assertThatThrownBy(() -> new TracePlanner(List.of(), PolicyName.LRU))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("There is no traffic to divide slots by");
    }

    private static RoutingSequence traffic(int tokens, long seed) {
        Random random = new Random(seed);
        List<Visit> visits = new ArrayList<>();
        for (int token = 0; token < tokens; token++) {
            visits.add(Visit.of(token, 0, random.nextInt(2)));
            visits.add(Visit.of(token, 1, token % 8));
        }
        return new RoutingSequence(
                new CacheShape(2, 8, 1), visits, tokens, new long[] {1000, 1000});
    }
}
