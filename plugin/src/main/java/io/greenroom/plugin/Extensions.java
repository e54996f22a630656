package io.greenroom.plugin;

import io.greenroom.plugin.telemetry.UsageSink;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Beans that operators add by a jar in the plugin folder. They are named as services of what they
 * implement, and become CDI beans like ours: Java's service lists say what a jar brings without
 * anybody having to scan the jars of strangers.
 */
final class Extensions {

    private static final Logger logger = LoggerFactory.getLogger(Extensions.class);

    /** What can be added. */
    private static final List<Class<?>> POINTS = List.of(UsageSink.class);

    private Extensions() {}

    /**
     * The classes named by all jars that a class loader sees. One that is not there is left out.
     */
    static List<Class<?>> of(ClassLoader loader) {
        List<Class<?>> classes = new ArrayList<>();
        for (Class<?> point : POINTS) {
            add(point, loader, classes);
        }
        return classes;
    }

    private static <T> void add(Class<T> point, ClassLoader loader, List<Class<?>> classes) {
        var providers = ServiceLoader.load(point, loader).stream().iterator();
        while (true) {
            try {
                if (!providers.hasNext()) {
                    return;
                }
                Class<? extends T> type = providers.next().type();
                classes.add(type);
                logger.info("Adding {} ({})", type.getName(), point.getSimpleName());
            } catch (ServiceConfigurationError e) {
                logger.error("An extension cannot be added: {}", e.getMessage(), e);
            }
        }
    }
}
