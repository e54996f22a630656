package io.greenroom.plugin.engine;

import ai.djl.BaseModel;
import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.inference.Predictor;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.Translator;
import ai.djl.util.PairList;
import io.greenroom.cache.ByteSize;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.plugin.config.ConfigException;
import io.greenroom.plugin.config.ModelConfig;
import io.greenroom.plugin.heat.WarmStart;
import io.greenroom.plugin.protocol.ApiError;
import io.greenroom.plugin.protocol.text.ModelText;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A DJL model over an offloaded one. All workers of the server share it; each has its own {@link
 * MoePredictor}, which is cheap. Thread-safe.
 */
public final class MoeEngineModel extends BaseModel {

    private static final Logger logger = LoggerFactory.getLogger(MoeEngineModel.class);

    /** How long {@link #close}, which the server calls on an event loop, waits at most. */
    private static final long CLOSE_MILLIS = 1000;

    /** The property by which the server tells the name it has registered a model by. */
    private static final String SERVED_NAME = "metric_dimension";

    private final EngineServices services;
    private volatile @Nullable Loaded loaded;

    /** What {@link #load} brings; replaced as a whole. */
    private record Loaded(
            MoeModel moe,
            ModelText text,
            RequestRunner runner,
            WarmStart warmStart,
            Instant since) {}

    MoeEngineModel(String name, NDManager manager, EngineServices services) {
        super(name);
        this.manager = manager;
        this.dataType = DataType.FLOAT32;
        this.services = services;
    }

    /**
     * Loads a checkpoint, and returns when its hottest experts are in memory, as far as their heat
     * is known and reading them takes no longer than it may.
     *
     * @param path its folder, or the file itself
     * @param options by key, without the prefix "option."
     * @throws MalformedModelException if options are wrong; lists all of them
     * @throws IOException if the checkpoint is damaged, not supported or too large
     */
    @Override
    public void load(Path path, @Nullable String prefix, @Nullable Map<String, ?> options)
            throws IOException, MalformedModelException {
        WarmStart warmStart = load(path, options);
        warmStart.await(); // without the lock: an unload need not wait for it
    }

    private synchronized WarmStart load(Path path, @Nullable Map<String, ?> options)
            throws IOException, MalformedModelException {
        if (loaded != null) {
            throw new IllegalStateException("Model " + getName() + " is loaded already");
        }
        if (Files.notExists(path)) {
            throw new FileNotFoundException("There is no model at " + path.toAbsolutePath());
        }
        modelDir = path.toAbsolutePath();
        ModelConfig config;
        try {
            config = ModelConfig.read(options);
        } catch (ConfigException e) {
            throw new MalformedModelException(
                    "Cannot load model " + getName() + ". " + e.getMessage(), e);
        }
        MoeModel moe = open(checkpoint(config), config);
        ModelText text;
        try {
            text = ModelText.open(moe.checkpoint().tokenizer());
        } catch (IOException | RuntimeException | Error e) {
            moe.close();
            throw e;
        }
        loaded =
                new Loaded(
                        moe,
                        text,
                        new RequestRunner(
                                moe,
                                text,
                                services.settings().maxUnsentBytes(),
                                services.random(),
                                services.clock()),
                        services.heat().keep(this::servedName, moe),
                        services.clock().instant());
        services.registry().add(this);
        MoeModel.Status status = moe.status();
        logger.info(
                "Model {}: {} of {} experts fit into a budget of {}, {} resident besides",
                getName(),
                status.slots(),
                status.totalExperts(),
                new ByteSize(status.budgetBytes()),
                new ByteSize(status.denseBytes() + status.kvBytes()));
        return loaded.warmStart();
    }

    /** The server answers "bad request" to a malformed model, and "internal error" to others. */
    private MoeModel open(Path checkpoint, ModelConfig config)
            throws IOException, MalformedModelException {
        try {
            return services.loader().load(checkpoint, config.options());
        } catch (CheckpointException | RuntimeException e) {
            throw new MalformedModelException(
                    "Cannot load model " + getName() + ". " + e.getMessage(), e);
        }
    }

    private Path checkpoint(ModelConfig config) throws MalformedModelException {
        if (config.model().toString().isEmpty()) {
            return modelDir;
        }
        if (!Files.isDirectory(modelDir)) {
            throw new MalformedModelException(
                    "Cannot load model "
                            + getName()
                            + ". option.model="
                            + config.model()
                            + " is not accepted: "
                            + modelDir
                            + " is a file; leave the option out");
        }
        return modelDir.resolve(config.model());
    }

    /**
     * What was loaded.
     *
     * @throws IllegalStateException before {@link #load} and after {@link #close}
     */
    public MoeModel moe() {
        return loaded().moe();
    }

    /**
     * What the loaded model knows of text.
     *
     * @throws IllegalStateException before {@link #load} and after {@link #close}
     */
    public ModelText text() {
        return loaded().text();
    }

    /**
     * When the load was complete.
     *
     * @throws IllegalStateException before {@link #load} and after {@link #close}
     */
    public Instant loadedAt() {
        return loaded().since();
    }

    private Loaded loaded() {
        Loaded now = loaded;
        if (now == null) {
            throw new IllegalStateException("Model " + getName() + " is not loaded");
        }
        return now;
    }

    /** The name clients know the model by; the server tells it after the load. */
    public String servedName() {
        return getProperty(SERVED_NAME, getName());
    }

    @Override
    public void setProperty(String key, String value) {
        super.setProperty(key, value);
        if (key.equals(SERVED_NAME) && loaded != null) {
            services.registry().renamed();
        }
    }

    Output answer(Input input) {
        Loaded now = loaded;
        return now == null
                ? RequestRunner.failure(ApiError.unloaded(servedName()))
                : now.runner().run(input, servedName());
    }

    @Override
    public <I, O> Predictor<I, O> newPredictor(
            @Nullable Translator<I, O> translator, Device device) {
        return new MoePredictor<>(this, device);
    }

    @Override
    public PairList<String, Shape> describeInput() {
        return data();
    }

    @Override
    public PairList<String, Shape> describeOutput() {
        return data();
    }

    private static PairList<String, Shape> data() {
        PairList<String, Shape> data = new PairList<>();
        data.add("data", new Shape(1));
        return data;
    }

    /**
     * Ends running answers and frees all memory. Closing twice is harmless. Returns when that is
     * done, or after a second, with a thread still at it.
     */
    @Override
    public void close() {
        Loaded closing;
        synchronized (this) {
            closing = loaded;
            loaded = null;
        }
        services.registry().remove(this);
        if (closing != null) {
            Thread unload = new Thread(() -> unload(closing), "greenroom-unload-" + getName());
            unload.start();
            try {
                unload.join(CLOSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        super.close();
    }

    private void unload(Loaded closing) {
        closing.warmStart().cancel();
        try {
            closing.moe().close();
            closing.text().close();
            logger.info("Model {} is unloaded", getName());
        } catch (RuntimeException | Error e) {
            logger.error("Model {} did not unload cleanly", getName(), e);
        }
        closing.warmStart().close();
    }
}
