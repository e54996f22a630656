package io.greenroom.plugin.engine;

import ai.djl.BaseModel;
import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.Translator;
import ai.djl.util.PairList;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModel;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A DJL model over an offloaded one. All workers of the server share it; each has its own {@link
 * MoePredictor}, which is cheap.
 */
public final class MoeEngineModel extends BaseModel {

    private final ModelLoader loader;
    private final ModelRegistry registry;
    private volatile @Nullable MoeModel moe;

    MoeEngineModel(String name, NDManager manager, ModelLoader loader, ModelRegistry registry) {
        super(name);
        this.manager = manager;
        this.dataType = DataType.FLOAT32;
        this.loader = loader;
        this.registry = registry;
    }

    @Override
    public void load(Path path, @Nullable String prefix, @Nullable Map<String, ?> options)
            throws IOException, MalformedModelException {
        if (Files.notExists(path)) {
            throw new FileNotFoundException("There is no model at " + path.toAbsolutePath());
        }
        modelDir = path.toAbsolutePath();
        moe = loader.load(modelDir, ModelOptions.defaults());
        registry.add(this);
    }

    /**
     * What was loaded.
     *
     * @throws IllegalStateException before {@link #load} and after {@link #close}
     */
    public MoeModel moe() {
        MoeModel loaded = moe;
        if (loaded == null) {
            throw new IllegalStateException("Model " + getName() + " is not loaded");
        }
        return loaded;
    }

    @Override
    public <I, O> Predictor<I, O> newPredictor(
            @Nullable Translator<I, O> translator, Device device) {
        return new MoePredictor<>(this, device);
    }

    @Override
    public PairList<String, Shape> describeInput() {
        PairList<String, Shape> inputs = new PairList<>();
        inputs.add("data", new Shape(1));
        return inputs;
    }

    @Override
    public PairList<String, Shape> describeOutput() {
        PairList<String, Shape> outputs = new PairList<>();
        outputs.add("data", new Shape(1));
        return outputs;
    }

    /** Ends running streams and frees all memory. Closing twice is harmless. */
    @Override
    public void close() {
        registry.remove(this);
        MoeModel loaded = moe;
        moe = null;
        if (loaded != null) {
            loaded.close();
        }
        super.close();
    }
}
