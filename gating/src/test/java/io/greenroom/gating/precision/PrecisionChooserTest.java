package io.greenroom.gating.precision;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.gating.ExpertGroups;
import io.greenroom.gating.RoutingDecision;
import java.util.BitSet;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrecisionChooserTest {

    private static final int EXPERTS = 8;

    private static BitSet bits(int... set) {
        BitSet bits = new BitSet();
        for (int bit : set) {
            bits.set(bit);
        }
        return bits;
    }

    private static Precision choice(
            RoutingDecision decision, BitSet residents, BitSet copies, int expert) {
        ExpertGroups groups = new ExpertGroups(EXPERTS).group(decision);
        PrecisionChooser chooser = new PrecisionChooser(PrecisionRule.DEFAULT, EXPERTS);
        chooser.choose(decision, groups, residents, copies);
        return chooser.of(groups.groupOf(expert));
    }

    /** The table of the Javadoc: expert 0 is needed in full, 1 as a copy, 2 if resident. */
    @ParameterizedTest
    @CsvSource({
        "0, false, false, FULL",
        "0, false, true, FULL",
        "0, true, false, FULL",
        "1, true, false, FULL",
        "1, true, true, FULL",
        "1, false, true, COPY",
        "1, false, false, COPY",
        "2, true, true, FULL",
        "2, true, false, FULL",
        "2, false, true, COPY",
        "2, false, false, SKIPPED"
    })
    void oneToken(int expert, boolean resident, boolean copied, Precision expected) {
        RoutingDecision decision =
                new RoutingDecision(1, 3, new int[] {0, 1, 2}, new float[] {0.75f, 0.2f, 0.05f});
        assertThat(
                        choice(
                                decision,
                                resident ? bits(expert) : bits(),
                                copied ? bits(expert) : bits(),
                                expert))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"0, FULL", "1, FULL", "2, COPY", "3, SKIPPED"})
    void theRowThatNeedsAnExpertMostDecidesForAll(int expert, Precision expected) {
        RoutingDecision decision =
                new RoutingDecision(
                        2,
                        3,
                        new int[] {0, 1, 2, 1, 2, 3},
                        new float[] {0.75f, 0.2f, 0.05f, 0.75f, 0.2f, 0.05f});
        assertThat(choice(decision, bits(), bits(), expert)).isEqualTo(expected);
    }

    @Property
    void whatIsResidentIsNeverReadOrReplaced(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int tokens) {
        Random random = new Random(seed);
        int k = 1 + random.nextInt(4);
        int[] experts = new int[tokens * k];
        float[] weights = new float[tokens * k];
        for (int t = 0; t < tokens; t++) {
            int first = random.nextInt(EXPERTS);
            for (int r = 0; r < k; r++) {
                experts[t * k + r] = (first + r) % EXPERTS;
                weights[t * k + r] = random.nextFloat();
            }
        }
        RoutingDecision decision = new RoutingDecision(tokens, k, experts, weights);
        BitSet residents = BitSet.valueOf(new long[] {random.nextInt(256)});
        BitSet copies = BitSet.valueOf(new long[] {random.nextInt(256)});
        ExpertGroups groups = new ExpertGroups(EXPERTS).group(decision);
        PrecisionChooser chooser = new PrecisionChooser(PrecisionRule.DEFAULT, EXPERTS);
        chooser.choose(decision, groups, residents, copies);
        for (int t = 0; t < tokens; t++) {
            int top = t * k;
            for (int r = 1; r < k; r++) {
                top = weights[t * k + r] > weights[top] ? t * k + r : top;
            }
            assertThat(chooser.of(groups.groupOf(experts[top]))).isEqualTo(Precision.FULL);
        }
        for (int group = 0; group < groups.count(); group++) {
            Precision precision = chooser.of(group);
            int expert = groups.expert(group);
            if (residents.get(expert)) {
                assertThat(precision).isEqualTo(Precision.FULL);
            } else if (copies.get(expert)) {
                assertThat(precision).isNotEqualTo(Precision.SKIPPED);
            }
        }
        // exact: everything in full, whatever is resident
        PrecisionChooser exact = new PrecisionChooser(PrecisionRule.EXACT, EXPERTS);
        exact.choose(decision, groups, residents, copies);
        for (int group = 0; group < groups.count(); group++) {
            assertThat(exact.of(group)).isEqualTo(Precision.FULL);
        }
    }
}
