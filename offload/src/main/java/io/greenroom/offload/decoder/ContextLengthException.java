package io.greenroom.offload.decoder;

/** The prompt does not fit the context. The client's mistake; the message says the numbers. */
public final class ContextLengthException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public ContextLengthException(String message) {
        super(message);
    }
}
