package io.greenroom.gating;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.TraceHeader;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** A trace's visit of a layer is the decoder's: same experts, same order. */
class LayerRoutingVisitTest {

    @Property(tries = 500)
    void aTraceVisitsExpertsAsTheDecoderDoes(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 40) int rows,
            @ForAll @IntRange(min = 4, max = 20) int experts,
            @ForAll @IntRange(min = 1, max = 4) int k) {
        int m = Math.min(experts, 2 * k);
        Random random = new Random(seed);
        int[] top = new int[rows * m];
        int[] chosen = new int[rows * k];
        for (int row = 0; row < rows; row++) {
            int[] some = random.ints(0, experts).distinct().limit(m).toArray();
            System.arraycopy(some, 0, top, row * m, m);
            System.arraycopy(some, 0, chosen, row * k, k);
        }
        TraceHeader header =
                new TraceHeader("m", "f", experts, k, m, 0, true, 1, new long[] {1}, Set.of());
        RoutingDecision decision = new RoutingDecision(rows, k, chosen, new float[rows * k]);

        assertThat(LayerRouting.of(top).visit(header))
                .isEqualTo(new ExpertGroups(experts).group(decision).experts());
    }
}
