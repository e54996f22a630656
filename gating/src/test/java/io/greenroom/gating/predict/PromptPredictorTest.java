package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ExpertId;
import io.greenroom.gating.RoutingDecision;
import org.junit.jupiter.api.Test;

class PromptPredictorTest {

    private final PromptPredictor predictor = new PromptPredictor(2, 4);

    private void routed(int layer, int times, int... experts) {
        for (int i = 0; i < times; i++) {
            predictor.routed(layer, new RoutingDecision(1, experts.length, experts, new float[2]));
        }
    }

    @Test
    void whatManyTokensWillLikelyNeedInThatOrder() {
        routed(1, 60, 0, 1);
        routed(1, 38, 1, 2);
        routed(1, 2, 2, 3);
        // 98 %, 60 %, 40 % and 2 % of tokens
        assertThat(predictor.predict(1, 1, id -> false, 4).hints())
                .extracting(PrefetchHint::id)
                .containsExactly(new ExpertId(1, 1), new ExpertId(1, 0));
        assertThat(predictor.predict(1, 10, id -> false, 4).hints())
                .extracting(PrefetchHint::id)
                .containsExactly(new ExpertId(1, 1), new ExpertId(1, 0), new ExpertId(1, 2));
        assertThat(predictor.predict(1, 100, id -> false, 4).hints()).hasSize(4);
        assertThat(predictor.predict(1, 100, id -> id.expert() == 1, 2).hints())
                .extracting(PrefetchHint::id)
                .containsExactly(new ExpertId(1, 0), new ExpertId(1, 2));
    }

    @Test
    void nothingIsSaidOfWhatWasNotSeen() {
        routed(1, 5, 0, 1);
        assertThat(predictor.predict(0, 100, id -> false, 4)).isEqualTo(PrefetchPlan.NOTHING);
        assertThat(predictor.predict(1, 100, id -> false, 0)).isEqualTo(PrefetchPlan.NOTHING);
    }

    @Test
    void whatWasUsefulLongAgoIsForgotten() {
        routed(0, 5000, 0, 1);
        routed(0, 40_000, 2, 3);
        assertThat(predictor.predict(0, 100, id -> false, 4).hints())
                .extracting(hint -> hint.id().expert())
                .containsExactly(2, 3);
    }
}
