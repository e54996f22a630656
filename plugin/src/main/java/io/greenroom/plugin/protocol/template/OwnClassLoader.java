package io.greenroom.plugin.protocol.template;

import java.util.function.Supplier;

/**
 * The renderer finds its own classes through the thread's context class loader, which in a server
 * does not know the plugin's classes.
 */
final class OwnClassLoader {

    private OwnClassLoader() {}

    static <T> T during(Supplier<T> action) {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(OwnClassLoader.class.getClassLoader());
        try {
            return action.get();
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
