package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {

    private static final int[] NO_PROMPT = {0};

    @Test
    void greedyTakesTheLargestLogitAndTheLowestIdOfEquals() {
        assertThat(sampler(SamplingParameters.GREEDY).next(new float[] {1, 5, -2, 5})).isEqualTo(1);
        assertThat(sampler(SamplingParameters.GREEDY).next(new float[] {-3, -9})).isZero();
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void refusesLogitsThatAreNotFinite(float bad) {
        assertThatIllegalStateException()
                .isThrownBy(() -> sampler(SamplingParameters.GREEDY).next(new float[] {0, 1, bad}))
                .withMessageContaining("logit of token 2 is " + bad);
    }

    @Property(tries = 200)
    void drawsOnlyTokensTheFiltersKeep(
            @ForAll @IntRange(max = 20) int topK,
            @ForAll @FloatRange(min = 0.05f, max = 1) float topP,
            @ForAll @FloatRange(max = 1) float minP,
            @ForAll @FloatRange(min = 0.1f, max = 2) float temperature,
            @ForAll long seed) {
        float[] logits = randomLogits(seed, 50);
        Set<Integer> kept = keptByDefinition(logits, topK, topP, minP, temperature);

        Set<Integer> drawn = new HashSet<>();
        Sampler sampler =
                sampler(new SamplingParameters(temperature, topK, topP, minP, seed, 1, 0, 0));
        for (int i = 0; i < 300; i++) {
            drawn.add(sampler.next(logits.clone()));
        }

        assertThat(kept).containsAll(drawn);
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 0", "4, 1, 0", "0, 0.9, 0", "4, 0.9, 0", "0, 1, 0.1", "4, 0.9, 0.2"})
    void drawsInProportionToProbability(int topK, float topP, float minP) {
        float[] logits = {2, 0, 1, 1.5f, -1, -1};
        double[] expected = new double[logits.length];
        double sum = 0;
        for (int token : keptByDefinition(logits, topK, topP, minP, 0.8f)) {
            expected[token] = Math.exp(logits[token] / 0.8);
            sum += expected[token];
        }
        int draws = 40_000;
        int[] counts = new int[logits.length];
        Sampler sampler = sampler(new SamplingParameters(0.8f, topK, topP, minP, 7, 1, 0, 0));
        for (int i = 0; i < draws; i++) {
            counts[sampler.next(logits.clone())]++;
        }

        for (int token = 0; token < logits.length; token++) {
            double probability = expected[token] / sum;
            // Five standard deviations of a binomial share; the seed is fixed.
            double tolerance = 5 * Math.sqrt(probability * (1 - probability) / draws);
            assertThat((double) counts[token] / draws)
                    .as("token %s", token)
                    .isEqualTo(probability, within(tolerance + 1e-12));
        }
    }

    @Test
    void theSameSeedGivesTheSameTokensAndAnotherSeedOthers() {
        List<Integer> first = tokens(11);
        assertThat(tokens(11)).isEqualTo(first);
        assertThat(tokens(12)).isNotEqualTo(first);
    }

    @Test
    void uniformNumbersLieInTheUnitIntervalWithMeanOneHalf() {
        double sum = 0;
        for (int i = 0; i < 10_000; i++) {
            double u = Sampler.uniform(i % 10, i / 10);
            assertThat(u).isGreaterThanOrEqualTo(0).isLessThan(1);
            sum += u;
        }
        assertThat(sum / 10_000).isEqualTo(0.5, within(0.02));
    }

    @Test
    void repetitionPenaltyDividesPositiveAndMultipliesNegativeLogitsOfPromptAndOutput() {
        SamplingParameters parameters = new SamplingParameters(0, 0, 1, 0, 0, 2, 0, 0);
        Sampler sampler = new Sampler(parameters, new int[] {1, 3}, new TokenHeap());
        float[] logits = {1, 4, 0.5f, -1};
        assertThat(sampler.next(logits)).isEqualTo(1); // 4 / 2 still wins over 1
        assertThat(logits).containsExactly(1, 2, 0.5f, -2);

        float[] next = {1.5f, 1, 3.5f, 0};
        assertThat(sampler.next(next)).isEqualTo(2);
        float[] third = {1.5f, 1, 2.9f, 0};
        assertThat(sampler.next(third)).as("2.9 / 2 < 1.5").isZero();
    }

    @Test
    void presenceAndFrequencyPenaltiesCountTheOutputOnly() {
        SamplingParameters parameters = new SamplingParameters(0, 0, 1, 0, 0, 1, 0.5f, 0.25f);
        Sampler sampler = new Sampler(parameters, new int[] {0}, new TokenHeap());
        float[] logits = {3, 0};
        sampler.next(logits);
        assertThat(logits).as("the prompt's token is not penalised").containsExactly(3, 0);
        logits = new float[] {3, 0};
        sampler.next(logits);
        assertThat(logits).containsExactly(3 - 0.5f - 0.25f, 0);
        logits = new float[] {3, 0};
        sampler.next(logits);
        assertThat(logits).containsExactly(3 - 0.5f - 2 * 0.25f, 0);
    }

    @Test
    void countsManyDistinctTokens() {
        TokenCounts counts = new TokenCounts();
        for (int round = 0; round < 3; round++) {
            for (int token = 0; token < 1000; token += 1 + round) {
                counts.addOutput(token * 7919);
            }
        }
        counts.addPrompt(5);
        int[] seen = new int[2];
        counts.forEach(
                (token, outputCount) -> {
                    seen[0]++;
                    seen[1] += outputCount;
                });
        assertThat(seen).containsExactly(1001, 1000 + 500 + 334);
    }

    @ParameterizedTest
    @CsvSource({
        "-1, 0, 1, 0, 1, 0, 0, 'temperature is -1.0; it must be 0 to 2'",
        "NaN, 0, 1, 0, 1, 0, 0, 'temperature is NaN; it must be 0 to 2'",
        "1, -2, 1, 0, 1, 0, 0, 'top_k is -2; it must be 0 (all) or more'",
        "1, 0, 0, 0, 1, 0, 0, 'top_p is 0.0; it must be above 0 to 1'",
        "1, 0, 1, 1.5, 1, 0, 0, 'min_p is 1.5; it must be 0 to 1'",
        "1, 0, 1, 0, 0, 0, 0, 'repetition_penalty is 0.0; it must be above 0'",
        "1, 0, 1, 0, 1, 3, 0, 'presence_penalty is 3.0; it must be -2 to 2'",
        "1, 0, 1, 0, 1, 0, -3, 'frequency_penalty is -3.0; it must be -2 to 2'",
    })
    void refusesParametersOutOfRange(
            float temperature,
            int topK,
            float topP,
            float minP,
            float repetition,
            float presence,
            float frequency,
            String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () ->
                                new SamplingParameters(
                                        temperature,
                                        topK,
                                        topP,
                                        minP,
                                        0,
                                        repetition,
                                        presence,
                                        frequency))
                .withMessage(message);
    }

    private static List<Integer> tokens(long seed) {
        Sampler sampler = sampler(new SamplingParameters(1, 0, 0.95f, 0, seed, 1, 0, 0));
        return IntStream.range(0, 30).mapToObj(i -> sampler.next(randomLogits(i, 40))).toList();
    }

    private static Sampler sampler(SamplingParameters parameters) {
        return new Sampler(parameters, NO_PROMPT, new TokenHeap());
    }

    private static float[] randomLogits(long seed, int count) {
        Random random = new Random(seed);
        float[] logits = new float[count];
        for (int i = 0; i < count; i++) {
            logits[i] = (float) random.nextGaussian() * 3;
        }
        return logits;
    }

    /** The filters as SamplingParameters documents them, with a full sort. */
    private static Set<Integer> keptByDefinition(
            float[] logits, int topK, float topP, float minP, float temperature) {
        Integer[] order = IntStream.range(0, logits.length).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparing((Integer token) -> -logits[token]));
        int count = topK == 0 ? logits.length : Math.min(topK, logits.length);
        double best = logits[order[0]];
        double[] weight = new double[count];
        double total = 0;
        for (int i = 0; i < count; i++) {
            weight[i] = Math.exp((logits[order[i]] - best) / temperature);
            total += weight[i];
        }
        Set<Integer> kept = new HashSet<>();
        double sum = 0;
        for (int i = 0; i < count && (i == 0 || sum < topP * total); i++) {
            if (i == 0 || weight[i] >= minP) {
                kept.add(order[i]);
            }
            sum += weight[i];
        }
        return kept;
    }
}
