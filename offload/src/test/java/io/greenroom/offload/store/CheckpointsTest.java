package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel.ExpertNames;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Finding the model: what lies there and what would be accepted. */
class CheckpointsTest {

    private static final String ACCEPTED =
            "expected a .gguf file, a folder with one GGUF model, or a Hugging Face folder with"
                    + " config.json and model.safetensors (or model.safetensors.index.json)";

    private static final TinyModel MODEL = TinyModel.of(Family.OLMOE);

    @TempDir Path folder;

    private static AbstractThrowableAssert<?, ?> refusal(Path location) {
        return assertThatThrownBy(() -> Checkpoints.open(location))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(location.toString());
    }

    @Test
    void nothingThere() {
        refusal(folder.resolve("absent"))
                .hasMessageEndingWith("no such file or folder; " + ACCEPTED);
        refusal(folder).hasMessageEndingWith("holds no model; " + ACCEPTED + ", found nothing");
    }

    @Test
    void noModelInTheFolder() throws Exception {
        for (int i = 0; i < 10; i++) {
            Files.createFile(folder.resolve("f" + i));
        }
        refusal(folder).hasMessageContaining(", found f0, f1, f2, f3, f4, f5, f6, f7 and 2 more");
    }

    @Test
    void configurationWithoutWeights() throws Exception {
        Files.writeString(folder.resolve("config.json"), MODEL.config());
        Files.createFile(folder.resolve("pytorch_model.bin"));
        refusal(folder).hasMessageEndingWith("found config.json, pytorch_model.bin");
    }

    @Test
    void moreThanOneModel() {
        MODEL.gguf().write(folder.resolve("a.gguf"));
        MODEL.gguf().write(folder.resolve("b.gguf"));
        refusal(folder)
                .hasMessageEndingWith(
                        "holds more than one model: a.gguf, b.gguf; open the .gguf file itself, or keep"
                                + " one model in the folder");
    }

    @Test
    void bothFormats() {
        MODEL.gguf().write(folder.resolve("a.gguf"));
        MODEL.huggingFace(folder, "F32", ExpertNames.SINGLE);
        refusal(folder)
                .hasMessageContaining("holds more than one model: a.gguf and safetensors files");
    }

    @Test
    void aSafetensorsFileAlone() {
        MODEL.huggingFace(folder, "F32", ExpertNames.SINGLE);
        refusal(folder.resolve("model.safetensors"))
                .hasMessageContaining("open the folder it lies in");
    }
}
