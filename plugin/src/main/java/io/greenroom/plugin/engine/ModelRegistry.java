package io.greenroom.plugin.engine;

import jakarta.inject.Singleton;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The models this engine has loaded, oldest first. Thread-safe. */
@Singleton
public final class ModelRegistry {

    private final List<MoeEngineModel> models = new CopyOnWriteArrayList<>();

    public List<MoeEngineModel> models() {
        return List.copyOf(models);
    }

    void add(MoeEngineModel model) {
        models.add(model);
    }

    /** Closes every model, so that running answers end with a reason. */
    public void closeAll() {
        models().forEach(MoeEngineModel::close);
    }

    void remove(MoeEngineModel model) {
        models.remove(model);
    }
}
