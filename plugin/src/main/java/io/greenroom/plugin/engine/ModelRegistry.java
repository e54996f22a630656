package io.greenroom.plugin.engine;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The models this engine has loaded, oldest first. Thread-safe. */
public class ModelRegistry {

    private final List<MoeEngineModel> models = new CopyOnWriteArrayList<>();

    public List<MoeEngineModel> models() {
        return List.copyOf(models);
    }

    void add(MoeEngineModel model) {
        models.add(model);
    }

    void remove(MoeEngineModel model) {
        models.remove(model);
    }
}
