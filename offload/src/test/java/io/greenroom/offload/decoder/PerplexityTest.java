package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.Perplexity.Windows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Windows and sums, with models whose probabilities are known. */
class PerplexityTest {

    private static final RoutingDial EXACT = RoutingDial.EXACT;

    /** Remembers what it was asked. */
    private static final class Model implements LogitsEvaluator {

        private final List<String> windows = new ArrayList<>();
        private final float[] logits;

        Model(float... logits) {
            this.logits = logits;
        }

        @Override
        public RoutingCost evaluate(EvaluationRequest request, Visitor visitor) {
            windows.add(Arrays.toString(request.tokens()) + " " + request.promptTokens());
            for (int i = 0; i < request.tokens().length; i++) {
                visitor.visit(i, logits);
            }
            return new RoutingCost(10, 2, 1, 4, 0.5);
        }
    }

    @Test
    void aModelThatKnowsNothingIsAsSurprisedAsItsVocabularyIsLarge() {
        Model model = new Model(3, 3, 3, 3, 3);
        Perplexity perplexity =
                Perplexity.of(
                        model, new int[] {0, 1, 2, 3, 4, 0}, new Windows(6, 6, 0), EXACT, n -> {});
        assertThat(perplexity.tokens()).isEqualTo(5);
        assertThat(perplexity.value()).isEqualTo(5, within(1e-12));
    }

    @Test
    void logitsOfAnySizeDoNotOverflow() {
        assertThat(Perplexity.nats(new float[] {3e38f, 3e38f}, 0))
                .isEqualTo(Math.log(2), within(1e-6));
        assertThat(Perplexity.nats(new float[] {0, 1000}, 0)).isEqualTo(1000, within(1e-9));
        assertThat(Perplexity.nats(new float[] {Float.NEGATIVE_INFINITY, -1000}, 1)).isZero();
    }

    @Test
    void windowsFollowEachOtherAndEveryTokenIsScoredOnce() {
        Model model = new Model(0, 0);
        List<Long> done = new ArrayList<>();
        Perplexity perplexity =
                Perplexity.of(
                        model,
                        new int[] {0, 1, 0, 1, 0, 1, 0, 1},
                        new Windows(3, 3, 1),
                        EXACT,
                        done::add);
        assertThat(model.windows).containsExactly("[0, 1, 0] 1", "[1, 0, 1] 1", "[0] 1");
        assertThat(done).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L);
        assertThat(perplexity.cost()).isEqualTo(new RoutingCost(30, 6, 3, 12, 1.5));
    }

    @Test
    void windowsMayOverlap() {
        Model model = new Model(0, 0);
        Perplexity perplexity =
                Perplexity.of(
                        model,
                        new int[] {0, 1, 0, 1, 0, 1, 0},
                        new Windows(4, 2, 0),
                        EXACT,
                        n -> {});
        assertThat(model.windows).containsExactly("[0, 1, 0, 1] 0", "[0, 1, 0, 1] 0");
        assertThat(perplexity.tokens()).isEqualTo(6);
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThatThrownBy(
                        () ->
                                Perplexity.of(
                                        new Model(0),
                                        new int[1],
                                        new Windows(1, 1, 0),
                                        EXACT,
                                        n -> {}))
                .hasMessage("A text of 1 tokens has nothing to score; it needs at least 2");
        assertThatThrownBy(() -> new Windows(4, 5, 0))
                .hasMessage(
                        "Windows of 4 tokens every 5, of which 0 are a prompt, make no sense: a"
                                + " window has at least 1 token, the stride is from 1 to that, the"
                                + " prompt at least 0");
    }
}
