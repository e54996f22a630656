package io.greenroom.plugin.engine;

import jakarta.inject.Singleton;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The models this engine has loaded, oldest first. Thread-safe. */
@Singleton
public final class ModelRegistry {

    private static final Logger logger = LoggerFactory.getLogger(ModelRegistry.class);

    private final List<MoeEngineModel> models = new CopyOnWriteArrayList<>();
    private final List<Consumer<List<MoeEngineModel>>> listeners = new CopyOnWriteArrayList<>();

    public List<MoeEngineModel> models() {
        return List.copyOf(models);
    }

    /**
     * From now on, who is told when a model comes, goes or gets another name.
     *
     * @param listener given all models there are then; on the thread that loads or unloads, so it
     *     must be quick
     */
    public void listen(Consumer<List<MoeEngineModel>> listener) {
        listeners.add(listener);
    }

    void add(MoeEngineModel model) {
        models.add(model);
        changed();
    }

    /** A model has another name. */
    void renamed() {
        changed();
    }

    /** Closes every model, so that running answers end with a reason. */
    public void closeAll() {
        models().forEach(MoeEngineModel::close);
    }

    void remove(MoeEngineModel model) {
        models.remove(model);
        changed();
    }

    private void changed() {
        for (Consumer<List<MoeEngineModel>> listener : listeners) {
            try {
                listener.accept(models());
            } catch (RuntimeException e) {
                logger.warn("A listener failed when told of the loaded models", e);
            }
        }
    }
}
