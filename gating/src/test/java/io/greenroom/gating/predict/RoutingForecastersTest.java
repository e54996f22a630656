package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Examples small enough to work out by hand, and what holds for all rivals. */
class RoutingForecastersTest {

    private final float[] scores = new float[4];

    @Test
    void popularityCountsAndForgets() {
        Popularity popularity = new Popularity(2, 4, 1);
        popularity.routed(1, new int[] {0, 2});
        popularity.routed(1, new int[] {2, 3});
        popularity.foresee(1, 1, scores);
        assertThat(scores).containsExactly(0.5f, 0, 1.5f, 1);
        popularity.foresee(0, 1, scores);
        assertThat(scores).containsOnly(0);
        assertThatIllegalArgumentException().isThrownBy(() -> new Popularity(1, 1, 0));
    }

    @Test
    void thePreviousTokensRankBeforeThoseBeforeThem() {
        PreviousTokens previous = new PreviousTokens(1, 4);
        previous.routed(0, new int[] {3, 1});
        previous.routed(0, new int[] {0, 3});
        previous.foresee(0, 1, scores);
        assertThat(order()).containsExactly(0, 3, 1, 2);
        previous.requestBegins();
        previous.foresee(0, 1, scores);
        assertThat(scores).containsOnly(0);
    }

    @Test
    void transitionsFollowTheTable() {
        TransitionTable table = new TransitionTable(2, 4, 1);
        token(table, 0, 2);
        token(table, 0, 2);
        token(table, 1, 3);
        table.tokenBegins(9);
        table.routed(0, new int[] {0});
        table.foresee(1, 1, scores);
        // q = [0, 0, 2/3, 1/3]; after expert 0 came 2, twice of two: (2 + 4 * 2/3) / (2 + 4).
        assertThat(scores[2]).isCloseTo(14f / 18, within(1e-6f));
        assertThat(scores[3]).isCloseTo(4f / 18, within(1e-6f));
        assertThat(scores[0] + scores[1]).isZero();
    }

    @Test
    void theFirstLayerIsForeseenFromTheLastOfTheTokenBefore() {
        TransitionTable table = new TransitionTable(2, 4, 1);
        for (int i = 0; i < 20; i++) {
            token(table, 0, 2);
            token(table, 1, 3);
        }
        table.foresee(0, 1, scores); // after 3 comes 0
        assertThat(order()[0]).isZero();
        table.requestBegins();
        table.foresee(0, 1, scores); // nothing before: popularity, 0 and 1 alike
        assertThat(scores[0]).isEqualTo(scores[1]).isEqualTo(0.5f);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TransitionTable(2, 4, 3))
                .withMessage("A table spans 1 to 2 layers, got 3");
    }

    @Test
    void theSameTokenIsExpectedToChooseTheSame() {
        SameToken same = new SameToken(1, 2, 4);
        same.tokenBegins(7);
        same.routed(0, new int[] {3, 1});
        same.routed(1, new int[] {3, 1});
        same.tokenBegins(8);
        same.routed(0, new int[] {0, 2});
        same.routed(1, new int[] {0, 2});
        same.tokenBegins(7);
        same.foresee(0, 1, scores);
        assertThat(order()).startsWith(3, 1);
        same.foresee(1, 1, scores); // not remembered: all as popular
        assertThat(scores).containsOnly(1);
        same.tokenBegins(9);
        same.foresee(0, 1, scores);
        assertThat(scores).containsOnly(1);
    }

    @Test
    void theMatrixOfTheMostSimilarTextIsFollowed() {
        ActivationMatrices matrices = new ActivationMatrices(2, 4, 2);
        text(matrices, 0, 2);
        text(matrices, 1, 3);
        matrices.requestBegins();
        matrices.tokenBegins(0);
        matrices.routed(0, new int[] {1});
        matrices.tokenBegins(0);
        matrices.foresee(1, 1, scores);
        assertThat(order()[0]).isEqualTo(3);
        matrices.requestBegins(); // the third: most like the second, whose place it takes
        matrices.tokenBegins(0);
        matrices.routed(0, new int[] {0});
        matrices.tokenBegins(0);
        matrices.foresee(1, 1, scores);
        assertThat(order()[0]).as("the first text is still there").isEqualTo(2);
        assertThatIllegalArgumentException().isThrownBy(() -> new ActivationMatrices(1, 1, 0));
    }

    /** What repeats without end is foreseen by all that look at more than the token before. */
    @Property(tries = 20)
    void aTextThatRepeatsIsForeseen(@ForAll long seed, @ForAll @IntRange(min = 1, max = 3) int k) {
        int layers = 3;
        int experts = 8;
        int[][] route = new int[layers][];
        Random random = new Random(seed);
        for (int layer = 0; layer < layers; layer++) {
            int first = random.nextInt(experts);
            route[layer] = new int[k];
            for (int rank = 0; rank < k; rank++) {
                route[layer][rank] = (first + rank) % experts;
            }
        }
        for (RoutingForecaster rival :
                List.of(
                        new Popularity(layers, experts, 100),
                        new PreviousTokens(layers, experts),
                        new TransitionTable(layers, experts, 1),
                        new TransitionTable(layers, experts, 2),
                        new ActivationMatrices(layers, experts, 4),
                        new SameToken(layers, layers, experts))) {
            RecallTally tally = new RecallTally(layers, experts);
            float[] foreseen = new float[experts];
            for (int token = 0; token < 6; token++) {
                if (token % 3 == 0) {
                    rival.requestBegins();
                }
                rival.tokenBegins(5);
                for (int layer = 0; layer < layers; layer++) {
                    rival.foresee(layer, 1, foreseen);
                    if (token % 3 == 2) {
                        tally.record(layer, foreseen, route[layer], new boolean[experts]);
                    }
                    rival.routed(layer, route[layer]);
                }
            }
            assertThat(tally.total().recallAtK()).as("%s", rival.getClass()).isEqualTo(1);
        }
    }

    private static void token(RoutingForecaster rival, int first, int second) {
        rival.tokenBegins(0);
        rival.routed(0, new int[] {first});
        rival.routed(1, new int[] {second});
    }

    private static void text(RoutingForecaster rival, int first, int second) {
        rival.requestBegins();
        for (int i = 0; i < 3; i++) {
            token(rival, first, second);
        }
    }

    private int[] order() {
        return java.util.stream.IntStream.range(0, scores.length)
                .boxed()
                .sorted((a, b) -> Float.compare(scores[b], scores[a]))
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
