package io.greenroom.plugin.host;

import ai.djl.ModelException;
import ai.djl.engine.EngineException;
import ai.djl.translate.TranslateException;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The models the host serves, by name. Thread-safe; loading happens on the caller's thread. */
final class HostedModels implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(HostedModels.class);

    private final int queueSize;
    private final Object lock = new Object();
    private final Map<String, HostedModel> models = new TreeMap<>();
    private final Set<String> loading = new HashSet<>();
    private @Nullable String onlyStartupModel;
    private boolean closed;

    HostedModels(int queueSize) {
        this.queueSize = queueSize;
    }

    /** Loads the models named at start; a request that names no model means the only one. */
    void loadAtStartup(List<ModelDefinition> definitions) {
        definitions.forEach(this::load);
        if (definitions.size() == 1) {
            synchronized (lock) {
                onlyStartupModel = definitions.get(0).name();
            }
        }
    }

    /**
     * Loads a model and serves it from then on.
     *
     * @throws HostException with the status the server would give: 404 for a missing path, 409 for
     *     a name in use or an unknown engine, 400 for a model that cannot be, 500 for the rest
     */
    HostedModel load(ModelDefinition definition) {
        String name = definition.name();
        synchronized (lock) {
            if (closed) {
                throw new HostException(
                        HttpResponseStatus.SERVICE_UNAVAILABLE, "The host is stopping");
            }
            if (models.containsKey(name) || !loading.add(name)) {
                throw new HostException(
                        HttpResponseStatus.CONFLICT, "Model " + name + " is already registered");
            }
        }
        HostedModel model = null;
        try {
            model = loadOrRefuse(definition);
        } finally {
            synchronized (lock) {
                loading.remove(name);
                if (model != null && !closed) {
                    models.put(name, model);
                }
            }
        }
        if (get(name).isEmpty()) {
            model.close();
            throw new HostException(HttpResponseStatus.SERVICE_UNAVAILABLE, "The host is stopping");
        }
        logger.info("Model {} loaded from {}", name, definition.path());
        return model;
    }

    private HostedModel loadOrRefuse(ModelDefinition definition) {
        try {
            return HostedModel.load(definition, queueSize);
        } catch (NoSuchFileException e) {
            throw refusal(HttpResponseStatus.NOT_FOUND, definition, "no such file: ", e);
        } catch (ModelException | TranslateException e) {
            throw refusal(HttpResponseStatus.BAD_REQUEST, definition, "", e);
        } catch (IllegalArgumentException e) {
            throw refusal(HttpResponseStatus.CONFLICT, definition, "", e);
        } catch (IOException | EngineException e) {
            throw refusal(HttpResponseStatus.INTERNAL_SERVER_ERROR, definition, "", e);
        }
    }

    private static HostException refusal(
            HttpResponseStatus status, ModelDefinition definition, String what, Exception e) {
        String reason = e.getMessage() == null ? e.toString() : e.getMessage();
        return new HostException(
                status, "Model " + definition.name() + " was not loaded: " + what + reason, e);
    }

    /** The answer to whoever asks for a model that is not there, in the server's words. */
    static HostException notFound(String name) {
        return new HostException(
                HttpResponseStatus.NOT_FOUND, "Model or workflow not found: " + name);
    }

    Optional<HostedModel> get(String name) {
        synchronized (lock) {
            return Optional.ofNullable(models.get(name));
        }
    }

    /** The model a request means that names none. */
    Optional<String> onlyStartupModel() {
        synchronized (lock) {
            return Optional.ofNullable(onlyStartupModel);
        }
    }

    /** All models, by name. */
    List<HostedModel> all() {
        synchronized (lock) {
            return List.copyOf(models.values());
        }
    }

    /**
     * Takes a model out of service and closes it.
     *
     * @throws HostException 404 if there is none of that name
     */
    void unload(String name) {
        HostedModel model;
        synchronized (lock) {
            model = models.remove(name);
        }
        if (model == null) {
            throw notFound(name);
        }
        model.close();
        logger.info("Model {} unloaded", name);
    }

    @Override
    public void close() {
        List<HostedModel> all;
        synchronized (lock) {
            closed = true;
            all = new ArrayList<>(models.values());
            models.clear();
        }
        for (HostedModel model : all) {
            try {
                model.close();
            } catch (RuntimeException e) {
                logger.error("Model {} did not close cleanly", model.definition().name(), e);
            }
        }
    }
}
