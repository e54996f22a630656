package io.greenroom.offload.decoder;

/** The model's queue is full or the model is closing; worth trying again later. */
public final class OverloadedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public OverloadedException(String message) {
        super(message);
    }
}
