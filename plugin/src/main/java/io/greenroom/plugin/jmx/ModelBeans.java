package io.greenroom.plugin.jmx;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.ModelNames;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngineModel;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps an MBean for every loaded model, under the name clients use. A model whose MBean cannot be
 * registered works without one.
 */
@Singleton
public final class ModelBeans implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(ModelBeans.class);

    private static final String DOMAIN = "io.greenroom";

    /** Other plugins of this kind in one process, each with a model of the same name. */
    private static final int MOST_CLASHES = 16;

    private final ModelRegistry models;
    private final boolean on;
    private final ModelNames names = new ModelNames();
    private final Map<String, Registered> registered = new HashMap<>(); // by the model's own name
    private boolean closed;

    private record Registered(MoeEngineModel model, ObjectName name) {}

    @Inject
    ModelBeans(ModelRegistry models, PluginSettings settings) {
        this(models, settings.jmx());
    }

    ModelBeans(ModelRegistry models, boolean on) {
        this.models = models;
        this.on = on;
    }

    /** Registers models from now on, beginning with those that are loaded. */
    public void start() {
        if (on) {
            models.listen(this::update);
            update(models.models());
        }
    }

    private synchronized void update(List<MoeEngineModel> loaded) {
        try {
            Map<String, MoeEngineModel> named = names.of(closed ? List.of() : loaded);
            for (String name : List.copyOf(registered.keySet())) {
                Registered one = registered.get(name);
                if (one != null && named.get(name) != one.model()) {
                    registered.remove(name);
                    ManagementFactory.getPlatformMBeanServer().unregisterMBean(one.name());
                }
            }
            for (Map.Entry<String, MoeEngineModel> entry : named.entrySet()) {
                if (!registered.containsKey(entry.getKey())) {
                    registered.put(entry.getKey(), register(entry.getKey(), entry.getValue()));
                }
            }
        } catch (JMException | RuntimeException | LinkageError e) {
            logger.warn("Not every model has an MBean", e);
        }
    }

    private static Registered register(String name, MoeEngineModel model) throws JMException {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        for (int clash = 1; ; clash++) {
            String unique = clash == 1 ? name : name + "#" + clash;
            ObjectName object =
                    new ObjectName(DOMAIN + ":type=Model,name=" + ObjectName.quote(unique));
            try {
                return new Registered(
                        model,
                        server.registerMBean(new ModelBean(name, model), object).getObjectName());
            } catch (InstanceAlreadyExistsException e) {
                if (clash == MOST_CLASHES) {
                    throw e;
                }
            }
        }
    }

    /** Takes all MBeans away. Closing twice is harmless. */
    @Override
    @PreDestroy
    public synchronized void close() {
        closed = true;
        update(List.of());
    }
}
