package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.ExpertId;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.SoftmaxTopKGate;
import io.greenroom.gating.predict.CrossLayerGatePredictor.Across;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CrossLayerGatePredictorTest {

    // Two tokens, four experts; probabilities 1/8 1/8 2/8 4/8 and 4/7 1/7 1/7 1/7.
    private static final float[] LOGITS = {0, 0, ln(2), ln(4), ln(4), 0, 0, 0};

    @Test
    void oneTokensLikeliestExpertsComeFirst() {
        PrefetchPlan plan =
                new CrossLayerGatePredictor(4, 3, Across.MAX).predict(5, LOGITS, 1, id -> false, 9);
        assertThat(plan.hints())
                .extracting(PrefetchHint::id)
                .containsExactly(new ExpertId(5, 3), new ExpertId(5, 2), new ExpertId(5, 0));
        assertThat(plan.hints().get(0).probability()).isCloseTo(0.5f, within(1e-6f));
    }

    @Test
    void tokensAreJoinedByMaximumOrMean() {
        PrefetchPlan byMaximum =
                new CrossLayerGatePredictor(4, 1, Across.MAX).predict(0, LOGITS, 2, id -> false, 9);
        assertThat(experts(byMaximum)).containsExactly(0, 3);
        assertThat(byMaximum.hints().get(0).probability()).isCloseTo(4 / 7f, within(1e-6f));
        PrefetchPlan byMean =
                new CrossLayerGatePredictor(4, 2, Across.MEAN)
                        .predict(0, LOGITS, 2, id -> false, 9);
        assertThat(experts(byMean)).containsExactly(0, 3, 2, 1);
        assertThat(byMean.hints().get(0).probability())
                .isCloseTo((1 / 8f + 4 / 7f) / 2, within(1e-6f));
    }

    @Test
    void residentsAreLeftOutAndDoNotTakeWidth() {
        CrossLayerGatePredictor predictor = new CrossLayerGatePredictor(4, 3, Across.MAX);
        Set<ExpertId> resident = Set.of(new ExpertId(1, 3), new ExpertId(0, 2));
        assertThat(experts(predictor.predict(1, LOGITS, 1, resident::contains, 2)))
                .containsExactly(2, 0);
        assertThat(experts(predictor.predict(1, LOGITS, 1, resident::contains, 1)))
                .containsExactly(2);
        assertThat(predictor.predict(1, LOGITS, 1, resident::contains, 0))
                .isEqualTo(PrefetchPlan.NOTHING);
        assertThat(predictor.predict(1, LOGITS, 1, id -> true, 4)).isEqualTo(PrefetchPlan.NOTHING);
    }

    @Test
    void aTokenWithoutNumbersIsLeftOut() {
        float[] logits = {Float.NaN, 0, 0, 0, 0, 0, 0, 1};
        CrossLayerGatePredictor predictor = new CrossLayerGatePredictor(4, 1, Across.MAX);
        assertThat(experts(predictor.predict(0, logits, 2, id -> false, 4))).containsExactly(3);
        assertThat(predictor.predict(0, logits, 1, id -> false, 4)).isEqualTo(PrefetchPlan.NOTHING);
        assertThat(predictor.predict(0, logits, 0, id -> false, 4)).isEqualTo(PrefetchPlan.NOTHING);
    }

    @Test
    void impossibleShapesAreRefused() {
        assertThatThrownBy(() -> new CrossLayerGatePredictor(4, 5, Across.MAX))
                .hasMessage("A predictor looks at 1 to all experts of a token, got 5 of 4");
        CrossLayerGatePredictor predictor = new CrossLayerGatePredictor(4, 1, Across.MAX);
        assertThatThrownBy(() -> predictor.predict(0, LOGITS, 3, id -> false, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Predicting for 3 tokens takes 12 logits, got 8");
    }

    @Property(tries = 200)
    void givenTheGatesOwnInputItNamesExactlyTheExpertsChosen(
            @ForAll @IntRange(min = 1, max = 64) int experts,
            @ForAll @IntRange(min = 1, max = 5) int tokens,
            @ForAll long seed) {
        Random random = new Random(seed);
        int k = 1 + random.nextInt(Math.min(experts, 8));
        float[] logits = new float[experts * tokens];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        RoutingDecision actual = new SoftmaxTopKGate(experts, k, true).route(logits, tokens);
        Set<Integer> chosen = new HashSet<>();
        for (int expert : actual.experts()) {
            chosen.add(expert);
        }
        for (Across across : Across.values()) {
            PrefetchPlan plan =
                    new CrossLayerGatePredictor(experts, k, across)
                            .predict(2, logits, tokens, id -> false, experts);
            assertThat(experts(plan)).containsExactlyInAnyOrderElementsOf(chosen);
            for (int i = 1; i < plan.hints().size(); i++) {
                assertThat(plan.hints().get(i).probability())
                        .isBetween(0f, plan.hints().get(i - 1).probability());
            }
        }
    }

    private static List<Integer> experts(PrefetchPlan plan) {
        return plan.hints().stream().map(hint -> hint.id().expert()).toList();
    }

    private static float ln(double x) {
        return (float) Math.log(x);
    }
}
