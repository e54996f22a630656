package io.greenroom.offload.synthetic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.ModelSpec.Family;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ModelWriterTest {

    @TempDir private Path folder;

    static Stream<Arguments> familiesAndTypes() {
        return Stream.of(Family.values())
                .flatMap(
                        family ->
                                Geometry.TYPES.stream()
                                        .sorted()
                                        .map(type -> Arguments.of(family, type)));
    }

    @ParameterizedTest
    @MethodSource("familiesAndTypes")
    void theFileOpensAsWhatTheRecipeSays(Family family, TensorType type) throws IOException {
        Geometry geometry = tiny(family);
        Path file = folder.resolve("model.gguf");
        Recipe recipe = new Recipe(geometry, type, 7, 1, 0.9);
        AtomicLong last = new AtomicLong();
        long bytes = ModelWriter.write(recipe, file, 2, (done, total) -> last.set(total));

        assertThat(file).hasSize(bytes);
        assertThat(ModelWriter.bytes(recipe)).isEqualTo(bytes);
        assertThat(last).hasValue(bytes);
        Checkpoint checkpoint = Checkpoints.open(file);
        ModelSpec spec = checkpoint.spec();
        assertThat(
                        new Geometry(
                                spec.family(),
                                spec.layers(),
                                spec.hidden(),
                                spec.experts(),
                                spec.expertsPerToken(),
                                spec.expertHidden(),
                                spec.sharedExpertHidden(),
                                spec.heads(),
                                spec.kvHeads(),
                                spec.headDim(),
                                spec.vocabulary(),
                                spec.contextLength()))
                .isEqualTo(geometry);
        assertThat(logitsAreSane(file)).isTrue();
    }

    @Test
    void theBytesDependOnTheRecipeAlone() throws IOException {
        Recipe recipe = new Recipe(tiny(Family.OLMOE), TensorType.Q4_0, 7, 1, 0.9);
        byte[] one = written("one", recipe, 1);
        assertThat(written("three", recipe, 3)).isEqualTo(one);
        Recipe other = new Recipe(tiny(Family.OLMOE), TensorType.Q4_0, 8, 1, 0.9);
        assertThat(written("other", other, 1)).hasSameSizeAs(one).isNotEqualTo(one);
    }

    @Test
    void aDeepModelStaysSaneToo() throws IOException {
        Geometry deep = new Geometry(Family.QWEN3_MOE, 48, 64, 8, 2, 32, 0, 2, 1, 32, 300, 256);
        Path file = folder.resolve("deep.gguf");
        ModelWriter.write(
                new Recipe(deep, TensorType.Q8_0, 1, 2, 0.83), file, 2, (done, total) -> {});
        assertThat(logitsAreSane(file)).isTrue();
    }

    @Test
    void nothingIsOverwritten() throws IOException {
        Path file = Files.writeString(folder.resolve("mine.gguf"), "precious");
        Recipe recipe = new Recipe(tiny(Family.OLMOE), TensorType.F32, 1, 0, 0.9);
        assertThatExceptionOfType(FileAlreadyExistsException.class)
                .isThrownBy(() -> ModelWriter.write(recipe, file, 1, (done, total) -> {}))
                .withMessageContaining("mine.gguf exists already; it is not overwritten");
        assertThat(file).hasContent("precious");

        Path part = Files.writeString(folder.resolve("new.gguf.part"), "another run's");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(
                        () ->
                                ModelWriter.write(
                                        recipe, folder.resolve("new.gguf"), 1, (done, total) -> {}))
                .withMessageContaining("new.gguf.part is there already");
        assertThat(part).hasContent("another run's");
    }

    @Test
    void aModelLargerThanTheDiskIsRefusedBeforehand() {
        Geometry huge =
                new Geometry(Family.QWEN3_MOE, 512, 8192, 1024, 8, 65536, 0, 2, 1, 32, 300, 256);
        Recipe recipe = new Recipe(huge, TensorType.F32, 1, 0, 0.999);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(
                        () ->
                                ModelWriter.write(
                                        recipe,
                                        folder.resolve("huge.gguf"),
                                        1,
                                        (done, total) -> {}))
                .withMessageContaining("huge.gguf takes")
                .withMessageContaining("are free in " + folder)
                .withMessageContaining("make a smaller model");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aFolderThatIsMissingIsNamed() {
        Recipe recipe = new Recipe(tiny(Family.OLMOE), TensorType.F32, 1, 0, 0.9);
        Path missing = folder.resolve("missing");
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(
                        () -> ModelWriter.write(recipe, missing.resolve("m.gguf"), 1, (d, t) -> {}))
                .withMessage("There is no folder " + missing + " to write into");
    }

    @Test
    void aFailureLeavesNothingBehind() {
        Recipe recipe = new Recipe(tiny(Family.OLMOE), TensorType.F32, 1, 0, 0.9);
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(
                        () ->
                                ModelWriter.write(
                                        recipe,
                                        folder.resolve("m.gguf"),
                                        2,
                                        (done, total) -> {
                                            throw new UnsupportedOperationException("on purpose");
                                        }))
                .withRootCauseInstanceOf(UnsupportedOperationException.class);
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void everythingWrongWithARecipeIsSaidAtOnce() {
        Geometry odd = new Geometry(Family.OLMOE, 4, 100, 4, 8, 48, 5, 4, 2, 33, 300, 256);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Recipe(odd, TensorType.Q4_0, 1, -1, 1))
                .withMessageContaining("Cannot make this model: ")
                .withMessageContaining("top-k is 8, but there are 4 experts")
                .withMessageContaining("head dimension is 33; expected an even number")
                .withMessageContaining("as many kv-heads as heads")
                .withMessageContaining("shared expert width is 5")
                .withMessageContaining("hidden is 100; Q4_0 stores blocks of 32")
                .withMessageContaining("expert width is 48; Q4_0 stores blocks of 32")
                .withMessageContaining("skew is -1.0; expected 0 (even routing) to 4")
                .withMessageContaining("similarity is 1.0; expected more than 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Recipe(Geometry.QWEN3_30B_A3B, TensorType.F32, 1, 0, 0.5))
                .withMessageContaining("which takes a similarity of 0.826 or more");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () ->
                                new Recipe(
                                        new Geometry(
                                                Family.OLMOE, 0, 64, 4, 1, 32, 0, 2, 2, 32, 9, 8),
                                        TensorType.Q6_K,
                                        1,
                                        0,
                                        0.9))
                .withMessageContaining("layers is 0; expected 1 to 1024")
                .withMessageContaining("vocabulary is 9; expected 257 to 1048576")
                .withMessageContaining("type is Q6_K; expected one of q4_0, q8_0, f16, bf16, f32");
    }

    @Test
    void thePublishedGeometriesAreAsLargeAsTheModels() {
        // OLMoE-1B-7B has 6.92 billion weights, Qwen3-30B-A3B 30.5 billion.
        assertThat(ModelWriter.bytes(new Recipe(Geometry.OLMOE, TensorType.F16, 1, 0, 0.97)) / 2e9)
                .isBetween(6.9, 6.95);
        assertThat(
                        ModelWriter.bytes(
                                        new Recipe(
                                                Geometry.QWEN3_30B_A3B, TensorType.F16, 1, 0, 0.97))
                                / 2e9)
                .isBetween(30.5, 30.6);
    }

    private static Geometry tiny(Family family) {
        boolean olmoe = family == Family.OLMOE;
        int shared = family == Family.QWEN2_MOE ? 96 : 0;
        return new Geometry(family, 3, 64, 8, 2, 32, shared, 2, olmoe ? 2 : 1, 32, 300, 256);
    }

    private byte[] written(String name, Recipe recipe, int threads) throws IOException {
        Path file = folder.resolve(name);
        ModelWriter.write(recipe, file, threads, (done, total) -> {});
        return Files.readAllBytes(file);
    }

    /** Near normal, neither dead nor exploding, at every position. */
    private static boolean logitsAreSane(Path file) throws IOException {
        int[] text = new int[40];
        for (int i = 0; i < text.length; i++) {
            text[i] = i * 37 % 300;
        }
        ModelOptions options =
                ModelOptions.builder()
                        .budget(ExpertBudget.parse("100%"))
                        .threads(1)
                        .directIo(false)
                        .build();
        try (ServingModel model = MoeModels.load(file, options, (done, total) -> {})) {
            for (float[] logits : model.evaluate(text)) {
                double squares = 0;
                for (float logit : logits) {
                    squares += (double) logit * logit;
                }
                double rms = Math.sqrt(squares / logits.length);
                if (!(rms > 0.5 && rms < 2)) {
                    return false;
                }
            }
        }
        return true;
    }
}
