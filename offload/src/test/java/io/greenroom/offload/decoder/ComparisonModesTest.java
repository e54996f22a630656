package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is there for comparison gives the same tokens. */
class ComparisonModesTest {

    private static final int VOCABULARY = 48;

    @TempDir Path folder;

    private List<Integer> tokens(ModelOptions.Builder options) throws Exception {
        TinyModel tiny = new TinyModel(Family.OLMOE, 3, 64, 32, 12, VOCABULARY, TensorType.F32, 5);
        Checkpoint checkpoint = Checkpoints.open(tiny.gguf().write(folder.resolve("tiny.gguf")));
        ModelOptions built =
                options.contextLength(64).prefillChunk(4).threads(1).maxConcurrent(1).build();
        try (ModelHarness harness = new ModelHarness();
                ServingModel model = harness.load(checkpoint, built)) {
            int[] prompt = ModelHarness.prompt(1, 9, VOCABULARY);
            RecordingListener listener = ModelHarness.generate(model, prompt, 20);
            assertThat(listener.await().failure()).isNull();
            return listener.tokens();
        }
    }

    private static ModelOptions.Builder budget(String share) {
        return ModelOptions.builder().budget(ExpertBudget.parse(share));
    }

    @Test
    void withoutOverlapAndOverASlowLinkTheTokensAreTheSame() throws Exception {
        List<Integer> expected = tokens(budget("100%").prefetch(ModelOptions.Prefetch.OFF));
        for (String share : List.of("6%", "30%", "100%")) {
            assertThat(tokens(budget(share).overlap(false))).isEqualTo(expected);
        }
        assertThat(tokens(budget("30%").linkLimit(50_000_000))).isEqualTo(expected);
    }
}
