package io.greenroom.it.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.store.Checkpoint;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every supported architecture, container format and tensor type against the family's own
 * implementation in Hugging Face Transformers.
 */
class GoldenDecodingTest {

    /** Shorter than every prompt, so that prompts come in several chunks. */
    private static final int CHUNK = 5;

    static List<Fixture> fixtures() {
        return Fixture.all();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("fixtures")
    void logitsAreThoseOfTransformers(Fixture fixture) throws Exception {
        Checkpoint checkpoint = fixture.checkpoint();
        float[][] expected = fixture.logits();
        double tolerance = Decoding.tolerance(checkpoint.spec(), Decoding.largest(expected));
        try (ServingModel model =
                Decoding.load(checkpoint, "100%", ModelOptions.Prefetch.OFF, CHUNK)) {
            float[][] actual = model.evaluate(fixture.prompt());

            assertThat(actual).hasDimensions(expected.length, expected[0].length);
            for (int t = 0; t < expected.length; t++) {
                for (int v = 0; v < expected[t].length; v++) {
                    assertThat(Math.abs((double) actual[t][v] - expected[t][v]))
                            .as("difference in the logit of token %s at position %s", v, t)
                            .isLessThanOrEqualTo(tolerance);
                }
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("fixtures")
    void greedyTokensAreThoseOfTransformersAtTheSmallestBudget(Fixture fixture) throws Exception {
        Checkpoint checkpoint = fixture.checkpoint();
        String budget = Decoding.smallestBudget(checkpoint);
        try (ServingModel model =
                Decoding.load(checkpoint, budget, ModelOptions.Prefetch.ON, CHUNK)) {
            assertThat(model.status().slots()).isEqualTo(checkpoint.spec().expertsPerToken());
            List<Integer> expected = fixture.greedy();
            Decoding.Answer answer =
                    Decoding.generate(model, fixture.prompt(), expected.size(), Set.of());
            assertThat(answer.tokens()).isEqualTo(expected);
            assertThat(answer.reason()).isEqualTo(FinishReason.LENGTH);
        }
    }
}
