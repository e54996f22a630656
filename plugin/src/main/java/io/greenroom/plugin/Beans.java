package io.greenroom.plugin;

import io.greenroom.cache.SharedBudget;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.EngineServices;
import io.greenroom.plugin.engine.ModelLoader;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineProvider;
import io.greenroom.plugin.heat.HeatBeans;
import io.greenroom.plugin.http.HttpBeans;
import io.greenroom.plugin.jmx.ModelBeans;
import io.greenroom.plugin.telemetry.TelemetryBeans;
import io.greenroom.plugin.telemetry.kafka.KafkaBeans;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import org.jboss.weld.environment.se.Weld;
import org.jboss.weld.environment.se.WeldContainer;

/**
 * The composition of the plugin. Beans are listed, not discovered: in a server's plugin folder the
 * class path is shared with strangers.
 */
public final class Beans {

    private Beans() {}

    /** Every bean class. */
    public static List<Class<?>> classes() {
        List<Class<?>> classes =
                new ArrayList<>(
                        List.of(
                                PluginSettings.class,
                                ModelRegistry.class,
                                EngineServices.class,
                                MoeEngine.class,
                                MoeEngineProvider.class,
                                ModelBeans.class,
                                Producers.class));
        classes.addAll(HeatBeans.CLASSES);
        classes.addAll(TelemetryBeans.CLASSES);
        classes.addAll(KafkaBeans.CLASSES);
        classes.addAll(HttpBeans.CLASSES);
        return classes;
    }

    static WeldContainer start(ClassLoader loader) {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        // Weld looks for its own services through the context class loader.
        thread.setContextClassLoader(loader);
        try {
            return new Weld()
                    .setClassLoader(loader)
                    .disableDiscovery()
                    .skipShutdownHook()
                    .addBeanClasses(classes().toArray(Class[]::new))
                    .addBeanClasses(Extensions.of(loader).toArray(Class[]::new))
                    .initialize();
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Beans that are not classes of ours. */
    @Singleton
    static final class Producers {

        @Produces
        @Singleton
        ModelLoader loader(PluginSettings settings) {
            SharedBudget total =
                    settings.totalBudget()
                            .map(SharedBudget::new)
                            .orElseGet(SharedBudget::unlimited);
            return (checkpoint, options) ->
                    MoeModels.load(
                            Checkpoints.open(checkpoint),
                            options,
                            total,
                            new LoggedProgress(checkpoint));
        }
    }
}
