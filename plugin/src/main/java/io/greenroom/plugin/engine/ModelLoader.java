package io.greenroom.plugin.engine;

import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModel;
import java.io.IOException;
import java.nio.file.Path;

/** Opens a checkpoint and makes it ready to generate. The seam between the engine and offload. */
@FunctionalInterface
public interface ModelLoader {

    /**
     * Loads a model; takes as long as reading its dense weights does.
     *
     * @param checkpoint a GGUF file (the first one if it is split) or a folder
     * @throws IOException if the checkpoint is damaged or not supported, or does not fit; the
     *     message names file, field and remedy
     */
    MoeModel load(Path checkpoint, ModelOptions options) throws IOException;
}
