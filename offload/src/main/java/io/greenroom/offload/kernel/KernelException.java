package io.greenroom.offload.kernel;

/** A native kernel refused or could not do its work. */
public final class KernelException extends RuntimeException {

    private static final long serialVersionUID = 1;

    KernelException(String message) {
        super(message);
    }
}
