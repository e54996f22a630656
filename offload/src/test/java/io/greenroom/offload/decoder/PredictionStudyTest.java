package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.gating.predict.RecallTally;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.PredictionStudy.Phase;
import io.greenroom.offload.decoder.PredictionStudy.Result;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.synthetic.Geometry;
import io.greenroom.offload.synthetic.ModelWriter;
import io.greenroom.offload.synthetic.Recipe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class PredictionStudyTest {

    private static final int VOCABULARY = 300;

    private final ModelHarness harness = new ModelHarness();
    @TempDir private Path folder;

    @AfterEach
    void allMemoryComesHome() {
        harness.close();
    }

    @ParameterizedTest
    @EnumSource(Family.class)
    void theControlFindsAllAndTheOutputIsUntouched(Family family) throws IOException {
        Checkpoint checkpoint = synthetic(family, 0.9);
        int[] text = text(60, 1);
        List<float[]> expected = new ArrayList<>();
        try (ServingModel model = harness.load(checkpoint, options())) {
            read(model, text, expected);
        }
        PredictionStudy study = everything();
        List<float[]> actual = new ArrayList<>();
        try (ServingModel model = harness.loadWatched(checkpoint, options(), study)) {
            read(model, text(30, 2), new ArrayList<>());
            study.phase(Phase.MEASURE);
            long misses = model.status().cache().misses();
            read(model, text, actual);
            misses = model.status().cache().misses() - misses;

            assertThat(study.control())
                    .allSatisfy(layer -> assertThat(layer.recallAtK()).isEqualTo(1))
                    .allSatisfy(layer -> assertThat(layer.tokens()).isEqualTo(text.length));
            assertThat(study.control().stream().mapToLong(RecallTally.Layer::missed).sum())
                    .as("as the cache counts them")
                    .isEqualTo(misses)
                    .isPositive();
        }
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(actual.get(i)).as("position %d", i).isEqualTo(expected.get(i));
        }
        boolean shared = family == Family.QWEN2_MOE;
        int variants = GateVariant.values().length - (shared ? 0 : 1);
        assertThat(study.results()).hasSize(2 * (variants + PredictionStudy.RIVALS.size()));
        for (Result result : study.results()) {
            assertThat(result.layers().get(3).tokens()).isEqualTo(text.length);
            assertThat(result.total().tokens())
                    .isEqualTo(result.layers().stream().skip(1).mapToLong(l -> l.tokens()).sum());
        }
    }

    /** The nearer a guess is to what the layer ahead sees, the more of it must be right. */
    @Test
    void guessesThatKnowMoreFindMore() throws IOException {
        PredictionStudy study = everything();
        try (ServingModel model =
                harness.loadWatched(synthetic(Family.QWEN3_MOE, 0.9), options(), study)) {
            read(model, text(100, 3), new ArrayList<>());
            study.phase(Phase.MEASURE);
            read(model, text(400, 4), new ArrayList<>());
        }
        double plain = recall(study, "plain", 1);
        assertThat(plain).isBetween(0.5, 0.95);
        assertThat(recall(study, "norm+all", 1)).isGreaterThan(plain + 0.03);
        assertThat(recall(study, "norm", 2)).isLessThan(plain - 0.03);
        assertThat(recall(study, "popularity", 1)).isLessThan(plain - 0.2);
        double similarity = 0;
        for (int layer = 1; layer < 4; layer++) {
            similarity += study.profile().layer(layer).similarity() / 3;
        }
        assertThat(similarity).as("what the recipe asked for").isCloseTo(0.9, within(0.04));
    }

    @Test
    void theRoutingIsAsSkewedAsTheRecipeAsks() throws IOException {
        double[] skews = new double[2];
        for (int skew = 0; skew < 2; skew++) {
            PredictionStudy study = new PredictionStudy(Set.of(), Set.of(), 1);
            study.phase(Phase.MEASURE);
            Path file = folder.resolve(skew + ".gguf");
            ModelWriter.write(
                    new Recipe(geometry(Family.OLMOE), TensorType.Q8_0, 7, skew, 0.9),
                    file,
                    1,
                    (done, total) -> {});
            try (ServingModel model =
                    harness.loadWatched(Checkpoints.open(file), options(), study)) {
                read(model, text(400, 5), new ArrayList<>());
            }
            skews[skew] = study.profile().layer(1).skew();
            assertThat(study.profile().layer(1).repeated()).isBetween(0.1, 0.9);
        }
        assertThat(skews[0]).isLessThan(0.4);
        assertThat(skews[1]).isBetween(0.6, 1.2);
    }

    @Test
    void stepsOfSeveralTokensPass() throws IOException {
        PredictionStudy study = everything();
        study.phase(Phase.MEASURE);
        try (ServingModel model =
                harness.loadWatched(synthetic(Family.OLMOE, 0.9), options(), study)) {
            model.evaluate(text(20, 6));
        }
        assertThat(study.control()).containsOnly(RecallTally.Layer.NONE);
    }

    @Test
    void mistakesAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PredictionStudy(Set.of(), Set.of("oracle"), 1))
                .withMessageContaining("Rivals are ")
                .withMessageContaining("got [oracle]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PredictionStudy(Set.of(), Set.of(), 0))
                .withMessage("A prediction looks ahead 1 or more, got 0");
        assertThatIllegalStateException()
                .isThrownBy(() -> everything().results())
                .withMessage("The study was not given to a model");
    }

    private static PredictionStudy everything() {
        return new PredictionStudy(EnumSet.allOf(GateVariant.class), PredictionStudy.RIVALS, 2);
    }

    private static double recall(PredictionStudy study, String predictor, int ahead) {
        return study.results().stream()
                .filter(r -> r.predictor().equals(predictor) && r.ahead() == ahead)
                .findFirst()
                .orElseThrow()
                .total()
                .recallAtK();
    }

    private static void read(ServingModel model, int[] text, List<float[]> logits) {
        var unused =
                model.evaluate(
                        new EvaluationRequest(text, 0, RoutingDial.EXACT),
                        (position, row) -> logits.add(row.clone()));
    }

    private static ModelOptions options() {
        return ModelHarness.options("30%");
    }

    private static int[] text(int length, long seed) {
        return new Random(seed).ints(length, 0, VOCABULARY).toArray();
    }

    private static Geometry geometry(Family family) {
        boolean olmoe = family == Family.OLMOE;
        int shared = family == Family.QWEN2_MOE ? 96 : 0;
        return new Geometry(
                family, 4, 128, 16, 2, 32, shared, 4, olmoe ? 4 : 2, 32, VOCABULARY, 512);
    }

    private Checkpoint synthetic(Family family, double similarity) throws IOException {
        Path file = folder.resolve("model.gguf");
        ModelWriter.write(
                new Recipe(geometry(family), TensorType.Q8_0, 7, 0, similarity),
                file,
                1,
                (done, total) -> {});
        return Checkpoints.open(file);
    }
}
