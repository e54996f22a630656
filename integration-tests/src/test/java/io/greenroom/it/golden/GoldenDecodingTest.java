package io.greenroom.it.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.GenerationRequest;
import io.greenroom.offload.decoder.GenerationUsage;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.SamplingParameters;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.decoder.TokenListener;
import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every supported architecture, container format and tensor type against the family's own
 * implementation in Hugging Face Transformers.
 *
 * <p><b>The tolerance.</b> Fixture and engine compute with the same numbers: half precision is
 * widened exactly, blocks are dequantised to the same floats, activations stay in float32. What
 * differs is the order of summation (and the last bit of exp, sin and cos). A dot product of n
 * terms in any order has a relative error of about sqrt(n) u, u = 2^-24, when roundings are
 * independent. A layer puts about ten such operations one after the other (norms, projections,
 * scores, softmax, values, router, gate, up, down, sum) and the errors of the layers add up at
 * worst linearly in the residual stream, relative to its size. So
 *
 * <pre>tolerance = (10 * layers + 2) * sqrt(n) * u * max|logit|</pre>
 *
 * with n the longest dot product. Found on the scalar kernels: a sixth of it or less.
 */
class GoldenDecodingTest {

    static List<Fixture> fixtures() {
        return Fixture.all();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("fixtures")
    void logitsAreThoseOfTransformers(Fixture fixture) throws Exception {
        Checkpoint checkpoint = fixture.checkpoint();
        float[][] expected = fixture.logits();
        try (ServingModel model = load(checkpoint, "100%", ModelOptions.Prefetch.OFF)) {
            float[][] actual = model.evaluate(fixture.prompt());

            assertThat(actual).hasDimensions(expected.length, expected[0].length);
            double tolerance = tolerance(checkpoint.spec(), largest(expected));
            double worst = 0;
            for (int t = 0; t < expected.length; t++) {
                for (int v = 0; v < expected[t].length; v++) {
                    double difference = Math.abs((double) actual[t][v] - expected[t][v]);
                    assertThat(difference)
                            .as("logit of token %s at position %s", v, t)
                            .isLessThanOrEqualTo(tolerance);
                    worst = Math.max(worst, difference);
                }
            }
            System.out.printf(
                    "%-24s largest difference %.2e, tolerance %.2e%n", fixture, worst, tolerance);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("fixtures")
    void greedyTokensAreThoseOfTransformersAtTheSmallestBudget(Fixture fixture) throws Exception {
        Checkpoint checkpoint = fixture.checkpoint();
        ModelSpec spec = checkpoint.spec();
        String smallest = smallestBudget(checkpoint);
        try (ServingModel model = load(checkpoint, smallest, ModelOptions.Prefetch.ON)) {
            assertThat(model.status().slots()).isEqualTo(spec.expertsPerToken());
            List<Integer> expected = fixture.greedy();
            assertThat(generate(model, fixture.prompt(), expected.size())).isEqualTo(expected);
        }
    }

    private static String smallestBudget(Checkpoint checkpoint) throws Exception {
        try (ServingModel model = load(checkpoint, "100%", ModelOptions.Prefetch.OFF)) {
            return String.valueOf(model.status().slotBytes() * checkpoint.spec().expertsPerToken());
        }
    }

    private static ServingModel load(
            Checkpoint checkpoint, String budget, ModelOptions.Prefetch prefetch) throws Exception {
        ModelOptions options =
                new ModelOptions(
                        ExpertBudget.parse(budget),
                        prefetch,
                        0,
                        KvPages.Type.F32,
                        2,
                        2,
                        5,
                        2,
                        true);
        return MoeModels.load(checkpoint, options, null, (done, total) -> {});
    }

    private static double tolerance(ModelSpec spec, double largestLogit) {
        int longest =
                Math.max(
                        Math.max(spec.hidden(), spec.heads() * spec.headDim()),
                        Math.max(
                                Math.max(spec.expertHidden(), spec.denseHidden()),
                                spec.sharedExpertHidden()));
        return (10 * spec.layers() + 2) * Math.sqrt(longest) * 0x1p-24 * largestLogit;
    }

    private static double largest(float[][] logits) {
        double largest = 0;
        for (float[] row : logits) {
            for (float logit : row) {
                largest = Math.max(largest, Math.abs(logit));
            }
        }
        return largest;
    }

    private static List<Integer> generate(ServingModel model, int[] prompt, int tokens)
            throws Exception {
        List<Integer> generated = new ArrayList<>();
        CompletableFuture<FinishReason> end = new CompletableFuture<>();
        model.submit(
                new GenerationRequest(prompt, tokens, SamplingParameters.GREEDY, Set.of()),
                new TokenListener() {
                    @Override
                    public boolean onToken(int token) {
                        generated.add(token);
                        return true;
                    }

                    @Override
                    public void onFinish(
                            FinishReason reason,
                            GenerationUsage usage,
                            @Nullable Throwable failure) {
                        if (failure == null) {
                            end.complete(reason);
                        } else {
                            end.completeExceptionally(failure);
                        }
                    }
                });
        assertThat(end.get(60, TimeUnit.SECONDS)).isEqualTo(FinishReason.LENGTH);
        return generated;
    }
}
