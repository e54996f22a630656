package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.offload.store.ModelSpec.Family;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FingerprintTest {

    private static final TinyModel MODEL = TinyModel.of(Family.QWEN2_MOE);

    @TempDir Path folder;

    private Checkpoint write(String name, TinyModel model) throws Exception {
        Path file = folder.resolve(name);
        model.gguf().write(file);
        return Checkpoints.open(file);
    }

    @Test
    void theSameWeightsElsewhereHaveTheSame() throws Exception {
        String one = Fingerprint.of(write("one.gguf", MODEL));

        assertThat(Fingerprint.of(write("two.gguf", MODEL))).isEqualTo(one);
        assertThat(one).matches("[0-9a-f]{32}");
    }

    @Test
    void otherWeightsOfTheSameShapeHaveAnother() throws Exception {
        TinyModel other =
                new TinyModel(
                        MODEL.family(),
                        MODEL.layers(),
                        MODEL.hidden(),
                        MODEL.inner(),
                        MODEL.experts(),
                        MODEL.vocabulary(),
                        MODEL.expertType(),
                        MODEL.seed() + 1);

        assertThat(Fingerprint.of(write("b.gguf", other)))
                .isNotEqualTo(Fingerprint.of(write("a.gguf", MODEL)));
    }

    @Test
    void aFileThatWasCutAfterOpeningIsNamed() throws Exception {
        Checkpoint checkpoint = write("cut.gguf", MODEL);
        Path file = folder.resolve("cut.gguf");
        Files.write(file, new byte[10]);

        assertThatThrownBy(() -> Fingerprint.of(checkpoint))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining("cannot be read for its fingerprint: the file ends within");
    }
}
