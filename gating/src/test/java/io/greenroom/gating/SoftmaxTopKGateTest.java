package io.greenroom.gating;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class SoftmaxTopKGateTest {

    record Routed(int experts, int k, int tokens, float[] logits) {}

    @Test
    void weightsAreProbabilitiesOverAllExperts() {
        // softmax of ln 1, ln 2, ln 4, ln 1 is 1/8, 2/8, 4/8, 1/8
        float[] logits = {0f, (float) Math.log(2), (float) Math.log(4), 0f};
        RoutingDecision decision = new SoftmaxTopKGate(4, 2, false).route(logits, 1);
        assertThat(decision.experts()).containsExactly(2, 1);
        assertThat(decision.weights()).containsExactly(new float[] {0.5f, 0.25f}, within(1e-7f));
    }

    @Test
    void normalizedWeightsAddUpToOne() {
        float[] logits = {0f, (float) Math.log(2), (float) Math.log(4), 0f};
        RoutingDecision decision = new SoftmaxTopKGate(4, 2, true).route(logits, 1);
        assertThat(decision.experts()).containsExactly(2, 1);
        assertThat(decision.weights()).containsExactly(new float[] {2 / 3f, 1 / 3f}, within(1e-7f));
    }

    @Test
    void tiesGoToTheLowerIndex() {
        RoutingDecision decision =
                new SoftmaxTopKGate(5, 3, true).route(new float[] {1, 7, 1, 7, 1}, 1);
        assertThat(decision.experts()).containsExactly(1, 3, 0);
    }

    @Test
    void logitsMayBeFarFromZero() {
        float[] logits = {-2000, -2001, 3e38f, Float.NEGATIVE_INFINITY, 1000, 999};
        SoftmaxTopKGate gate = new SoftmaxTopKGate(2, 1, false);
        RoutingDecision decision = gate.route(logits, 3);
        assertThat(decision.experts()).containsExactly(0, 0, 0);
        float larger = (float) (1 / (1 + Math.exp(-1)));
        assertThat(decision.weights())
                .containsExactly(new float[] {larger, 1, larger}, within(1e-6f));
    }

    @Test
    void theBufferMayBeLongerThanTheBatch() {
        RoutingDecision decision =
                new SoftmaxTopKGate(2, 1, true).route(new float[] {0, 1, Float.NaN, 0}, 1);
        assertThat(decision.tokens()).isEqualTo(1);
        assertThat(decision.experts()).containsExactly(1);
        assertThat(new SoftmaxTopKGate(2, 1, true).route(new float[0], 0).experts()).isEmpty();
    }

    @Test
    void damagedLogitsAreNamed() {
        SoftmaxTopKGate gate = new SoftmaxTopKGate(3, 2, true);
        assertThatThrownBy(() -> gate.route(new float[] {0, 1, 2, 0, Float.NaN, 2}, 2))
                .isInstanceOfSatisfying(
                        InvalidLogitException.class,
                        e -> {
                            assertThat(e.token()).isEqualTo(1);
                            assertThat(e.expert()).isEqualTo(1);
                        })
                .hasMessage(
                        "Cannot route token 1 of the batch: the router's logit for expert 1 is NaN;"
                                + " the checkpoint's weights up to this layer are damaged, or"
                                + " overflow in the precision they are stored in");
        assertThatThrownBy(() -> gate.route(new float[] {0, 1, Float.POSITIVE_INFINITY}, 1))
                .isInstanceOf(InvalidLogitException.class)
                .hasMessageContaining("expert 2 is Infinity");
        float[] nothing = new float[3];
        Arrays.fill(nothing, Float.NEGATIVE_INFINITY);
        assertThatThrownBy(() -> gate.route(nothing, 1))
                .isInstanceOf(InvalidLogitException.class)
                .hasMessageContaining("expert 0 is -Infinity");
    }

    @Test
    void impossibleShapesAreRefused() {
        assertThatThrownBy(() -> new SoftmaxTopKGate(4, 5, true))
                .hasMessage("A gate chooses from 1 to all of its experts, got 5 of 4");
        assertThatThrownBy(() -> new SoftmaxTopKGate(4, 0, true))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new SoftmaxTopKGate(4, 2, true).route(new float[7], 2))
                .hasMessage("Routing 2 tokens takes 8 logits, got 7");
        assertThatThrownBy(() -> new RoutingDecision(1, 2, new int[2], new float[1]))
                .hasMessage(
                        "A decision for 1 tokens and 2 experts each cannot have 2 experts and 1"
                                + " weights");
    }

    @Property(tries = 300)
    void agreesWithSortingInDoublePrecision(@ForAll("batches") Routed batch) {
        RoutingDecision plain =
                new SoftmaxTopKGate(batch.experts, batch.k, false)
                        .route(batch.logits, batch.tokens);
        RoutingDecision scaled =
                new SoftmaxTopKGate(batch.experts, batch.k, true).route(batch.logits, batch.tokens);
        assertThat(scaled.experts()).isEqualTo(plain.experts());
        for (int token = 0; token < batch.tokens; token++) {
            double[] p = softmax(batch, token);
            // Logits differ by steps of 1/8 or not at all: single precision keeps their order.
            int[] expected =
                    IntStream.range(0, batch.experts)
                            .boxed()
                            .sorted(Comparator.comparingDouble((Integer e) -> -p[e]))
                            .limit(batch.k)
                            .mapToInt(e -> e)
                            .toArray();
            double sum = Arrays.stream(expected).mapToDouble(e -> p[e]).sum();
            for (int rank = 0; rank < batch.k; rank++) {
                int expert = expected[rank];
                assertThat(plain.expert(token, rank)).isEqualTo(expert);
                assertThat(plain.weight(token, rank))
                        .isCloseTo((float) p[expert], within((float) p[expert] * 1e-5f));
                assertThat(scaled.weight(token, rank))
                        .isCloseTo((float) (p[expert] / sum), within(1e-5f));
            }
        }
    }

    @Property(tries = 100)
    void aTokensRouteDoesNotDependOnTheBatch(@ForAll("batches") Routed batch) {
        SoftmaxTopKGate gate = new SoftmaxTopKGate(batch.experts, batch.k, true);
        RoutingDecision together = gate.route(batch.logits, batch.tokens);
        for (int token = 0; token < batch.tokens; token++) {
            int from = token * batch.experts;
            RoutingDecision alone =
                    gate.route(Arrays.copyOfRange(batch.logits, from, from + batch.experts), 1);
            int row = token * batch.k;
            assertThat(Arrays.copyOfRange(together.experts(), row, row + batch.k))
                    .isEqualTo(alone.experts());
            assertThat(Arrays.copyOfRange(together.weights(), row, row + batch.k))
                    .isEqualTo(alone.weights());
        }
    }

    @Provide
    static Arbitrary<Routed> batches() {
        Arbitrary<Integer> experts = Arbitraries.integers().between(1, 128);
        Arbitrary<Integer> tokens = Arbitraries.integers().between(0, 6);
        return Combinators.combine(experts, tokens)
                .flatAs(
                        (e, t) ->
                                Combinators.combine(
                                                Arbitraries.integers().between(1, Math.min(e, 16)),
                                                Arbitraries.integers()
                                                        .between(-80, 80)
                                                        .array(int[].class)
                                                        .ofSize(e * t))
                                        .as((k, steps) -> new Routed(e, k, t, eighths(steps))));
    }

    private static float[] eighths(int[] steps) {
        float[] logits = new float[steps.length];
        for (int i = 0; i < steps.length; i++) {
            logits[i] = steps[i] / 8f;
        }
        return logits;
    }

    private static double[] softmax(Routed batch, int token) {
        double[] p = new double[batch.experts];
        double sum = 0;
        for (int e = 0; e < batch.experts; e++) {
            p[e] = Math.exp(batch.logits[token * batch.experts + e]);
            sum += p[e];
        }
        for (int e = 0; e < batch.experts; e++) {
            p[e] /= sum;
        }
        return p;
    }
}
