package io.greenroom.offload.decoder;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Things to give back, in reverse order of how they were taken. Each is closed once, whatever the
 * others do.
 */
final class ResourceStack implements AutoCloseable {

    private final Deque<AutoCloseable> resources = new ArrayDeque<>();

    /** Adds a resource and hands it through. */
    <T extends AutoCloseable> T push(T resource) {
        resources.push(resource);
        return resource;
    }

    /**
     * Closes everything.
     *
     * @throws IllegalStateException if something could not be closed; the rest was
     */
    @Override
    public void close() {
        IllegalStateException failure = null;
        while (!resources.isEmpty()) {
            AutoCloseable resource = resources.pop();
            try {
                resource.close();
            } catch (Exception | Error e) {
                if (failure == null) {
                    failure =
                            new IllegalStateException(
                                    "Could not release "
                                            + resource.getClass().getSimpleName()
                                            + ": "
                                            + e.getMessage(),
                                    e);
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
