package io.greenroom.gating;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** What a gate does when some experts are preferred. */
class PreferredRoutingTest {

    private static final double RESIDENT = Double.POSITIVE_INFINITY;

    /**
     * A batch and what is preferred in it.
     *
     * @param strengths one per token; 0 for exact
     */
    record Wished(
            int experts,
            int k,
            int tokens,
            float[] logits,
            boolean normalize,
            double[] strengths,
            BitSet preferred) {

        SoftmaxTopKGate gate() {
            return new SoftmaxTopKGate(experts, k, normalize);
        }

        RoutingDecision exact() {
            return gate().route(logits, tokens);
        }

        FixedPreference preference() {
            return new FixedPreference(token -> strengths[token], preferred);
        }

        FixedPreference preference(double strength) {
            return new FixedPreference(token -> strength, preferred);
        }

        int preferredCount() {
            return preferred.cardinality();
        }
    }

    @Test
    void aPreferredExpertGainsTheGivenShareOfTheRange() {
        // Range 8: expert 3 is raised by 0.25 * 8 = 2, from 3 to 5, past 1 (4.5), not past 0 (8).
        float[] logits = {8, 4.5f, 0, 3};
        SoftmaxTopKGate gate = new SoftmaxTopKGate(4, 2, false);
        FixedPreference preference = new FixedPreference(0.25, 3);
        RoutingDecision decision = gate.route(logits, 1, preference);
        assertThat(decision.experts()).containsExactly(0, 3);
        float[] p = new float[4];
        Softmax.probabilities(logits, 0, 4, p);
        assertThat(decision.weights()).containsExactly(p[0], p[3]);
        FixedPreference.Told told = preference.told.get(0);
        assertThat(told.altered()).isEqualTo(1);
        assertThat(told.unwanted()).isEqualTo(1);
        assertThat(told.exactWeight()).isEqualTo(p[0] + p[1]);
        assertThat(told.lostWeight()).isCloseTo(p[1] - p[3], within(1e-7f));
        // 0.18 * 8 = 1.44 is not enough.
        assertThat(gate.route(logits, 1, new FixedPreference(0.18, 3)).experts())
                .containsExactly(0, 1);
    }

    @Test
    void weightsAreScaledToOneWhereTheFamilyDoesSo() {
        float[] logits = {8, 4.5f, 0, 3};
        RoutingDecision decision =
                new SoftmaxTopKGate(4, 2, true).route(logits, 1, new FixedPreference(0.25, 3));
        float[] p = new float[4];
        Softmax.probabilities(logits, 0, 4, p);
        assertThat(decision.weights()).containsExactly(p[0] / (p[0] + p[3]), p[3] / (p[0] + p[3]));
    }

    @Test
    void equalRanksGoToTheRoutersOrder() {
        // 2 + 0.5 * 4 = 4: level with expert 0, which the router prefers.
        float[] logits = {4, 0, 2};
        assertThat(
                        new SoftmaxTopKGate(3, 1, true)
                                .route(logits, 1, new FixedPreference(0.5, 2))
                                .experts())
                .containsExactly(0);
        // All logits equal: no range, no bonus.
        assertThat(
                        new SoftmaxTopKGate(3, 2, true)
                                .route(new float[] {1, 1, 1}, 1, new FixedPreference(1, 2))
                                .experts())
                .containsExactly(0, 1);
    }

    @Test
    void aRouterThatIsCertainYieldsNothingSmall() {
        float[] certain = {40, 0, 0.5f, 39.5f};
        assertThat(
                        new SoftmaxTopKGate(4, 2, true)
                                .route(certain, 1, new FixedPreference(0.9, 1, 2))
                                .experts())
                .containsExactly(0, 3);
    }

    @Test
    void residentsFarBelowTheRoutersChoiceStillHaveWeights() {
        // Softmax in single precision says 0 for both residents.
        float[] logits = {200, 190, -100, -101};
        RoutingDecision decision =
                new SoftmaxTopKGate(4, 2, true)
                        .route(logits, 1, new FixedPreference(RESIDENT, 2, 3));
        assertThat(decision.experts()).containsExactly(2, 3);
        float e = (float) Math.exp(-1);
        assertThat(decision.weights())
                .containsExactly(new float[] {1 / (1 + e), e / (1 + e)}, within(1e-6f));
    }

    @Test
    void anExpertThatCannotHaveWeightIsNotPreferred() {
        float[] logits = {1, Float.NEGATIVE_INFINITY, 0};
        FixedPreference preference = new FixedPreference(RESIDENT, 1);
        RoutingDecision decision = new SoftmaxTopKGate(3, 2, true).route(logits, 1, preference);
        assertThat(decision.experts()).containsExactly(0, 2);
        assertThat(preference.told.get(0).altered()).isZero();
        assertThat(
                        new SoftmaxTopKGate(3, 1, true)
                                .route(logits, 1, new FixedPreference(0.5, 1))
                                .experts())
                .containsExactly(0);
    }

    @Test
    void damagedLogitsAreStillNamed() {
        assertThatThrownBy(
                        () ->
                                new SoftmaxTopKGate(2, 1, true)
                                        .route(
                                                new float[] {0, Float.NaN},
                                                1,
                                                new FixedPreference(1, 0)))
                .isInstanceOf(InvalidLogitException.class);
    }

    @Property(tries = 400)
    void tokensThatDoNotYieldAreExactBesideThoseThatDo(@ForAll("wishes") Wished wished) {
        RoutingDecision exact = wished.exact();
        FixedPreference preference = wished.preference();
        RoutingDecision mixed = wished.gate().route(wished.logits, wished.tokens, preference);
        for (int token = 0; token < wished.tokens; token++) {
            if (wished.strengths[token] == 0) {
                assertSameRow(mixed, exact, token, wished.k);
                assertThat(preference.told).doesNotContainKey(token);
            } else {
                assertThat(preference.told).containsKey(token);
            }
        }
    }

    @Property(tries = 300)
    void aTokensRouteDoesNotDependOnTheBatch(@ForAll("wishes") Wished wished) {
        RoutingDecision together =
                wished.gate().route(wished.logits, wished.tokens, wished.preference());
        for (int token = 0; token < wished.tokens; token++) {
            double strength = wished.strengths[token];
            int from = token * wished.experts;
            RoutingDecision alone =
                    wished.gate()
                            .route(
                                    Arrays.copyOfRange(wished.logits, from, from + wished.experts),
                                    1,
                                    wished.preference(strength));
            int row = token * wished.k;
            assertThat(Arrays.copyOfRange(together.experts(), row, row + wished.k))
                    .isEqualTo(alone.experts());
            assertThat(Arrays.copyOfRange(together.weights(), row, row + wished.k))
                    .isEqualTo(alone.weights());
        }
    }

    @Property(tries = 300)
    void aStrengthTowardsZeroIsExact(@ForAll("wishes") Wished wished) {
        // Logits differ by steps of 1/8 or not at all, their range is at most 20. So nothing is
        // overtaken, and equal logits go to the one preferred only by more than rounding.
        FixedPreference preference = wished.preference(Double.MIN_VALUE);
        RoutingDecision yielding = wished.gate().route(wished.logits, wished.tokens, preference);
        RoutingDecision exact = wished.exact();
        assertThat(yielding.experts()).isEqualTo(exact.experts());
        assertThat(yielding.weights()).isEqualTo(exact.weights());
    }

    @Property(tries = 300)
    void nothingOrEverythingPreferredIsExact(@ForAll("wishes") Wished wished) {
        RoutingDecision exact = wished.exact();
        for (BitSet uniform : new BitSet[] {new BitSet(), all(wished.experts)}) {
            for (double strength : new double[] {0.15, 1, RESIDENT}) {
                FixedPreference preference = new FixedPreference(token -> strength, uniform);
                RoutingDecision yielding =
                        wished.gate().route(wished.logits, wished.tokens, preference);
                assertThat(yielding.experts()).isEqualTo(exact.experts());
                assertThat(yielding.weights()).isEqualTo(exact.weights());
                preference.told.forEach(
                        (token, told) -> {
                            assertThat(told.altered()).isZero();
                            assertThat(told.lostWeight()).isZero();
                            assertThat(told.unwanted()).isEqualTo(uniform.isEmpty() ? wished.k : 0);
                        });
            }
        }
    }

    @Property(tries = 300)
    void beyondOneEveryStrengthIsTheMask(@ForAll("wishes") Wished wished) {
        RoutingDecision masked =
                wished.gate().route(wished.logits, wished.tokens, wished.preference(RESIDENT));
        for (double strength : new double[] {1.001, 7, 1e9}) {
            RoutingDecision strong =
                    wished.gate().route(wished.logits, wished.tokens, wished.preference(strength));
            for (int token = 0; token < wished.tokens; token++) {
                if (range(wished, token) > 0) {
                    assertSameRow(strong, masked, token, wished.k);
                }
            }
        }
    }

    @Property(tries = 300)
    void theMaskLetsOnlyPreferredExpertsInAndFillsUp(@ForAll("wishes") Wished wished) {
        FixedPreference preference = wished.preference(RESIDENT);
        RoutingDecision decision = wished.gate().route(wished.logits, wished.tokens, preference);
        for (int token = 0; token < wished.tokens; token++) {
            int[] row = row(decision, token, wished.k);
            long preferred = Arrays.stream(row).filter(wished.preferred::get).count();
            assertThat(preferred).isEqualTo(Math.min(wished.k, wished.preferredCount()));
            assertThat(preference.told.get(token).unwanted()).isEqualTo(wished.k - (int) preferred);
            // The best of each kind, by the router's own order.
            int[] expected =
                    IntStream.concat(
                                    best(wished, token, true, (int) preferred),
                                    best(wished, token, false, wished.k - (int) preferred))
                            .sorted()
                            .toArray();
            assertThat(Arrays.stream(row).sorted().toArray()).isEqualTo(expected);
        }
    }

    @Property(tries = 400)
    void everyTokenGetsItsExpertsInRouterOrderWithTheRoutersWeights(
            @ForAll("wishes") Wished wished) {
        FixedPreference preference = wished.preference();
        RoutingDecision decision = wished.gate().route(wished.logits, wished.tokens, preference);
        RoutingDecision exact = wished.exact();
        for (int token = 0; token < wished.tokens; token++) {
            int[] row = row(decision, token, wished.k);
            assertThat(Arrays.stream(row).distinct().count()).isEqualTo(wished.k);
            float[] p = new float[wished.experts];
            Softmax.probabilities(wished.logits, token * wished.experts, wished.experts, p);
            float sum = 0;
            for (int expert : row) {
                sum += p[expert];
            }
            for (int rank = 0; rank < wished.k; rank++) {
                float expected = wished.normalize ? p[row[rank]] / sum : p[row[rank]];
                assertThat(decision.weight(token, rank)).isEqualTo(expected);
                if (rank > 0) {
                    assertThat(
                                    p[row[rank - 1]] > p[row[rank]]
                                            || (p[row[rank - 1]] == p[row[rank]]
                                                    && row[rank - 1] < row[rank]))
                            .isTrue();
                }
            }
            FixedPreference.Told told = preference.told.get(token);
            if (told != null) {
                int[] wanted = row(exact, token, wished.k);
                long altered =
                        Arrays.stream(row)
                                .filter(e -> Arrays.stream(wanted).noneMatch(w -> w == e))
                                .count();
                assertThat(told.altered()).isEqualTo((int) altered);
                assertThat(told.lostWeight()).isBetween(0f, told.exactWeight());
                double exactWeight = Arrays.stream(wanted).mapToDouble(e -> p[e]).sum();
                double lost = exactWeight - Arrays.stream(row).mapToDouble(e -> p[e]).sum();
                assertThat((double) told.exactWeight()).isCloseTo(exactWeight, within(1e-5));
                assertThat((double) told.lostWeight()).isCloseTo(lost, within(1e-5));
            }
        }
    }

    @Property(tries = 300)
    void moreStrengthNeverMeansFewerPreferredExperts(@ForAll("wishes") Wished wished) {
        int before = -1;
        for (double strength : new double[] {0.05, 0.15, 0.4, 0.8, 1, RESIDENT}) {
            RoutingDecision decision =
                    wished.gate().route(wished.logits, wished.tokens, wished.preference(strength));
            int preferred =
                    (int) Arrays.stream(decision.experts()).filter(wished.preferred::get).count();
            assertThat(preferred).isGreaterThanOrEqualTo(before);
            before = preferred;
        }
    }

    private static IntStream best(Wished wished, int token, boolean preferred, int count) {
        float[] p = new float[wished.experts];
        Softmax.probabilities(wished.logits, token * wished.experts, wished.experts, p);
        return IntStream.range(0, wished.experts)
                .filter(e -> wished.preferred.get(e) == preferred)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer e) -> -p[e]))
                .limit(count)
                .mapToInt(e -> e);
    }

    private static float range(Wished wished, int token) {
        int from = token * wished.experts;
        float[] row = Arrays.copyOfRange(wished.logits, from, from + wished.experts);
        Arrays.sort(row);
        return row[row.length - 1] - row[0];
    }

    private static BitSet all(int experts) {
        BitSet set = new BitSet();
        set.set(0, experts);
        return set;
    }

    private static int[] row(RoutingDecision decision, int token, int k) {
        return Arrays.copyOfRange(decision.experts(), token * k, token * k + k);
    }

    private static void assertSameRow(
            RoutingDecision actual, RoutingDecision expected, int token, int k) {
        assertThat(row(actual, token, k)).isEqualTo(row(expected, token, k));
        assertThat(Arrays.copyOfRange(actual.weights(), token * k, token * k + k))
                .isEqualTo(Arrays.copyOfRange(expected.weights(), token * k, token * k + k));
    }

    @Provide
    static Arbitrary<Wished> wishes() {
        Arbitrary<Integer> experts = Arbitraries.integers().between(1, 64);
        Arbitrary<Integer> tokens = Arbitraries.integers().between(1, 5);
        return Combinators.combine(experts, tokens, Arbitraries.of(true, false))
                .flatAs(
                        (e, t, normalize) ->
                                Combinators.combine(
                                                Arbitraries.integers().between(1, Math.min(e, 8)),
                                                Arbitraries.integers()
                                                        .between(-80, 80)
                                                        .array(int[].class)
                                                        .ofSize(e * t),
                                                Arbitraries.of(0.0, 0.05, 0.15, 0.5, 1.0, RESIDENT)
                                                        .array(Double[].class)
                                                        .ofSize(t),
                                                Arbitraries.integers().between(0, e - 1).set())
                                        .as(
                                                (k, steps, strengths, preferred) ->
                                                        new Wished(
                                                                e,
                                                                k,
                                                                t,
                                                                eighths(steps),
                                                                normalize,
                                                                Arrays.stream(strengths)
                                                                        .mapToDouble(s -> s)
                                                                        .toArray(),
                                                                FixedPreference.setOf(
                                                                        preferred.stream()
                                                                                .mapToInt(i -> i)
                                                                                .toArray()))));
    }

    /** Steps of 1/8, exact in float, and never 0: to that the smallest bonus makes a difference. */
    private static float[] eighths(int[] steps) {
        float[] logits = new float[steps.length];
        for (int i = 0; i < steps.length; i++) {
            logits[i] = (steps[i] + 0.5f) / 8;
        }
        return logits;
    }
}
