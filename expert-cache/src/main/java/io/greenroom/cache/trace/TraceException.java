package io.greenroom.cache.trace;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A trace cannot be read: its message names the file, the byte and what was expected there.
 *
 * <p>Unchecked, because steps come out of an {@link java.util.Iterator}.
 */
public final class TraceException extends RuntimeException {

    private static final long serialVersionUID = 1;

    TraceException(Path file, String problem) {
        this(file, problem, null);
    }

    TraceException(Path file, String problem, @Nullable Throwable cause) {
        super("Trace " + file + ": " + problem, cause);
    }
}
