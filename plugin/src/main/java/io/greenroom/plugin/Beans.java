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
import io.greenroom.plugin.telemetry.RefusedSinks;
import io.greenroom.plugin.telemetry.TelemetryBeans;
import io.greenroom.plugin.telemetry.kafka.KafkaBeans;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import org.jboss.weld.environment.se.Weld;
import org.jboss.weld.environment.se.WeldContainer;
import org.jspecify.annotations.Nullable;

/**
 * The composition of the plugin. Beans are listed, not discovered: in a server's plugin folder the
 * class path is shared with strangers.
 */
public final class Beans {

    private static final String NO_BEAN =
            "it cannot be a bean: that takes a public class, not an inner one, with a constructor"
                    + " without arguments or one annotated @Inject";

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

    /**
     * Starts the container with all beans, and with those that operators add. One of the latter
     * that would keep it from starting is left out.
     */
    static WeldContainer start(ClassLoader loader) {
        Extensions extensions = Extensions.of(loader);
        WeldContainer container;
        try {
            container = start(loader, extensions.classes());
        } catch (RuntimeException | LinkageError e) {
            if (extensions.classes().isEmpty()) {
                throw e;
            }
            extensions.keep(type -> whatKeepsFromStarting(loader, type));
            container = start(loader, extensions.classes());
        }
        WeldContainer started = container;
        extensions.keep(type -> isBean(started, type) ? null : NO_BEAN);
        extensions.report(started.select(RefusedSinks.class).get());
        return started;
    }

    private static @Nullable String whatKeepsFromStarting(ClassLoader loader, Class<?> type) {
        try {
            start(loader, List.of(type)).close();
            return null;
        } catch (RuntimeException | LinkageError e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static boolean isBean(WeldContainer container, Class<?> type) {
        return container.getBeanManager().getBeans(type, Any.Literal.INSTANCE).stream()
                .anyMatch(bean -> bean.getBeanClass().equals(type));
    }

    private static WeldContainer start(ClassLoader loader, List<Class<?>> added) {
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
                    .addBeanClasses(added.toArray(Class[]::new))
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
