package io.greenroom.plugin;

import io.greenroom.plugin.telemetry.RefusedSinks;
import io.greenroom.plugin.telemetry.UsageSink;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Beans that operators add by a jar in the plugin folder. They are named as services of what they
 * implement, and become CDI beans like ours: Java's service lists say what a jar brings without
 * anybody having to scan the jars of strangers. The lists are read here and not by Java's own
 * loader, which wants a constructor without arguments.
 *
 * <p>One that cannot be a bean is left out, with a reason in the log and in the state of the sinks;
 * the plugin and its models work without it.
 */
final class Extensions {

    private static final Logger logger = LoggerFactory.getLogger(Extensions.class);

    private static final String SERVICES = "META-INF/services/";

    /** What can be added. */
    private static final List<Class<?>> POINTS = List.of(UsageSink.class);

    private final Set<Class<?>> classes = new LinkedHashSet<>();
    private final Map<String, String> refused = new LinkedHashMap<>(); // why, by class name

    private Extensions() {}

    /** The classes named by all jars that a class loader sees. */
    static Extensions of(ClassLoader loader) {
        Extensions found = new Extensions();
        for (Class<?> point : POINTS) {
            for (String name : found.names(point, loader)) {
                found.add(point, name, loader);
            }
        }
        return found;
    }

    /** Those that may become beans. */
    List<Class<?>> classes() {
        return List.copyOf(classes);
    }

    /** Tells who was left out, and why. */
    void report(RefusedSinks sinks) {
        refused.forEach(sinks::add);
    }

    /** Keeps those that a test finds nothing wrong with. */
    void keep(Function<Class<?>, @Nullable String> whatIsWrong) {
        for (Class<?> type : classes()) {
            String reason = whatIsWrong.apply(type);
            if (reason != null) {
                refuse(type.getName(), reason);
                classes.remove(type);
            }
        }
    }

    private Set<String> names(Class<?> point, ClassLoader loader) {
        Set<String> names = new LinkedHashSet<>();
        try {
            for (URL list : Collections.list(loader.getResources(SERVICES + point.getName()))) {
                names.addAll(names(list));
            }
        } catch (IOException e) {
            logger.error("The lists of added {} cannot be read", point.getSimpleName(), e);
        }
        return names;
    }

    private static List<String> names(URL list) throws IOException {
        try (InputStream in = list.openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.replaceFirst("#.*", "").strip())
                    .filter(line -> !line.isEmpty())
                    .toList();
        }
    }

    private void add(Class<?> point, String name, ClassLoader loader) {
        try {
            Class<?> type = Class.forName(name, false, loader);
            if (point.isAssignableFrom(type)) {
                classes.add(type);
                logger.info("Adding {} ({})", name, point.getSimpleName());
            } else {
                refuse(name, "it does not implement " + point.getName());
            }
        } catch (ClassNotFoundException e) {
            refuse(name, "there is no such class");
        } catch (LinkageError e) {
            refuse(name, "the class cannot be loaded: " + e);
        }
    }

    private void refuse(String name, String reason) {
        logger.error("{} is not added: {}", name, reason);
        refused.put(name, reason);
    }
}
