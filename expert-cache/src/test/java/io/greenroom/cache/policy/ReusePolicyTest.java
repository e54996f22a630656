package io.greenroom.cache.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.ExpertId;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReusePolicyTest {

    private static final CacheShape SHAPE = new CacheShape(2, 16, 2);
    private static final long SEED = 5;

    private final Random random = new Random(SEED);
    private int previousThird = 14;

    @Test
    void whatIsUsedMoreOftenIsWorthMore() {
        LayerReuse layer = new LayerReuse(new ReuseModel(), SHAPE);
        for (int visit = 0; visit < 300; visit++) {
            // Expert 0 always, 1 every fourth time, the others now and then.
            layer.visited(new int[] {0, visit % 4 == 0 ? 1 : 2 + random.nextInt(14)}, null);
        }
        double others = IntStream.range(2, 16).mapToDouble(layer::value).average().orElseThrow();
        assertThat(layer.value(0)).isGreaterThan(layer.value(1)).isGreaterThan(0.7f);
        assertThat((double) layer.value(1)).isGreaterThan(others);
    }

    @Test
    void whatWasUsedBeforeIsForecastFromTheStart() {
        LayerReuse layer = new LayerReuse(new ReuseModel(), SHAPE);
        float[] shares = new float[16];
        Arrays.fill(shares, 0.02f);
        shares[5] = 0.8f;
        shares[6] = 0.3f;
        layer.expected(shares);
        assertThat(layer.value(5)).isGreaterThan(layer.value(6)).isGreaterThan(0.5f);
        assertThat(layer.value(6)).isGreaterThan(2 * layer.value(7));
        // It holds after visits that say otherwise, and goes in time.
        layer.visited(new int[] {1, 2}, null);
        assertThat(layer.value(5)).isGreaterThan(layer.value(7));
        for (int visit = 0; visit < 5000; visit++) {
            layer.visited(new int[] {1, 2}, null);
        }
        assertThat(layer.value(5)).isLessThan(layer.value(1));
    }

    @Test
    void learnsWhatFollowsWhat() {
        LayerReuse layer = new LayerReuse(new ReuseModel(), SHAPE);
        // Experts of a circle of 8 are used one after the other: as often as each other, but
        // whoever was used last is needed last.
        int visits = 4000;
        for (int visit = 0; visit < visits; visit++) {
            layer.visited(new int[] {visit % 8, 8 + random.nextInt(8)}, null);
        }
        int next = visits % 8;
        assertThat(layer.value(next)).isGreaterThan(0.9f);
        assertThat(layer.value((next + 7) % 8)).isLessThan(layer.value((next + 1) % 8));
        assertThat(layer.value((next + 4) % 8)).isLessThan(0.5f);
    }

    @Test
    void theRoutersScoresCount() {
        LayerReuse layer = new LayerReuse(new ReuseModel(), SHAPE);
        float[] scores = new float[16];
        for (int visit = 0; visit < 2000; visit++) {
            // Whoever comes third is used in the next visit.
            int third = random.nextInt(14);
            int[] used = {previousThird, 15};
            Arrays.fill(scores, 0);
            scores[used[0]] = 0.4f;
            scores[used[1]] = 0.35f;
            if (third != used[0]) {
                scores[third] = 0.25f;
            }
            previousThird = third;
            layer.visited(used, scores);
        }
        double others =
                IntStream.range(0, 14)
                        .filter(expert -> expert != previousThird)
                        .mapToDouble(layer::value)
                        .average()
                        .orElseThrow();
        assertThat((double) layer.value(previousThird)).isGreaterThan(2 * others);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPromptSetsTheRates(boolean scored) {
        LayerReuse layer = new LayerReuse(new ReuseModel(), SHAPE);
        for (int visit = 0; visit < 50; visit++) {
            layer.visited(new int[] {14, 15}, null);
        }
        float[] scores = new float[16];
        for (int expert = 0; expert < 12; expert++) {
            scores[expert] = expert == 3 ? 20 : 1;
        }
        layer.visited(IntStream.range(0, 12).toArray(), scored ? scores : null);
        assertThat(layer.value(0)).isGreaterThan(layer.value(12));
        if (scored) {
            assertThat(layer.value(3)).isGreaterThan(layer.value(0));
        }
    }

    @Test
    void valuesStayNumbersWhateverComes() {
        LayerReuse layer = new LayerReuse(new ReuseModel(), SHAPE);
        float[] scores = new float[16];
        for (int visit = 0; visit < 2000; visit++) {
            for (int expert = 0; expert < 16; expert++) {
                scores[expert] = random.nextInt(3) == 0 ? 0 : (float) Math.exp(random.nextInt(60));
            }
            layer.visited(
                    random.ints(0, 16).distinct().limit(1 + random.nextInt(16)).toArray(),
                    random.nextBoolean() ? scores : null);
            for (int expert = 0; expert < 16; expert++) {
                assertThat(layer.value(expert)).isBetween(0f, 1f);
            }
        }
    }

    @Test
    void ofEquallyUsedExpertsTheOneWhoseLayerHasJustPassedLeaves() {
        EvictionPolicy policy = EvictionPolicies.create(PolicyName.REUSE, SHAPE, 8, null);
        for (int round = 0; round < 20; round++) {
            for (int layer = 0; layer < 2; layer++) {
                policy.visiting(layer, new int[] {0, 1});
                for (int expert = 0; expert < 2; expert++) {
                    ExpertId id = new ExpertId(layer, expert);
                    if (round == 0) {
                        policy.admitted(id);
                    } else {
                        policy.used(id);
                    }
                }
            }
        }
        assertThat(policy.victim(id -> true)).extracting(ExpertId::layer).isEqualTo(1);
        policy.visiting(0, new int[] {0, 1});
        assertThat(policy.victim(id -> true)).extracting(ExpertId::layer).isEqualTo(0);
    }

    @Test
    void theTableIsTheLogisticFunction() {
        for (float z = -20; z < 20; z += 0.013f) {
            assertThat((double) ReuseModel.sigmoid(z))
                    .isCloseTo(1 / (1 + Math.exp(-z)), within(1e-4));
        }
        for (float x = 1e-4f; x < 2; x *= 1.01f) {
            assertThat((double) ReuseModel.log(x)).isCloseTo(Math.log(x), within(0.06));
        }
    }
}
