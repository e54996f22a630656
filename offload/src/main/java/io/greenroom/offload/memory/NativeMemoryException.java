package io.greenroom.offload.memory;

/** The operating system refused native memory. */
public final class NativeMemoryException extends RuntimeException {

    private static final long serialVersionUID = 1;

    NativeMemoryException(String message) {
        super(message);
    }
}
