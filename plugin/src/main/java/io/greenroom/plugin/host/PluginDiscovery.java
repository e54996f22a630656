package io.greenroom.plugin.host;

import ai.djl.serving.plugins.RequestHandler;
import io.greenroom.plugin.http.GreenroomRequestHandler;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;

/**
 * Finds plugins as the server does: every {@code META-INF/plugin.definition} on the class path
 * names, under {@code export}, the request handlers to make.
 */
final class PluginDiscovery {

    private static final String DEFINITION = "META-INF/plugin.definition";

    private PluginDiscovery() {}

    /** Makes the plugins' handlers and connects ours to a host's models. */
    static List<RequestHandler<?>> start(HostedModels models) {
        List<RequestHandler<?>> handlers = handlers(PluginDiscovery.class.getClassLoader());
        HostBridge bridge = new HostBridge(models);
        for (RequestHandler<?> handler : handlers) {
            if (handler instanceof GreenroomRequestHandler greenroom) {
                greenroom.setServerBridge(bridge);
            }
        }
        return handlers;
    }

    /**
     * Makes one instance of each exported handler.
     *
     * @throws IllegalStateException if a definition cannot be read or a handler not be made
     */
    static List<RequestHandler<?>> handlers(ClassLoader loader) {
        List<RequestHandler<?>> handlers = new ArrayList<>();
        for (String name : exports(loader)) {
            handlers.add(handler(loader, name));
        }
        return handlers;
    }

    private static Set<String> exports(ClassLoader loader) {
        Set<String> names = new LinkedHashSet<>();
        try {
            Enumeration<URL> definitions = loader.getResources(DEFINITION);
            while (definitions.hasMoreElements()) {
                Properties properties = new Properties();
                try (InputStream in = definitions.nextElement().openStream()) {
                    properties.load(in);
                }
                for (String name : properties.getProperty("export", "").split(",", -1)) {
                    if (!name.isBlank()) {
                        names.add(name.strip());
                    }
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("Cannot read " + DEFINITION, e);
        }
        return names;
    }

    private static RequestHandler<?> handler(ClassLoader loader, String name) {
        try {
            Class<?> type = Class.forName(name, true, loader);
            return (RequestHandler<?>) type.getConstructor().newInstance();
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(
                    "Plugin handler " + name + " failed in its constructor", e.getCause());
        } catch (ReflectiveOperationException | ClassCastException e) {
            throw new IllegalStateException(
                    "Plugin handler "
                            + name
                            + " named in "
                            + DEFINITION
                            + " is not a RequestHandler with a public constructor without arguments",
                    e);
        }
    }
}
