package io.greenroom.plugin.protocol;

/** A request cannot be served; carries what the client is told. */
public final class RequestException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient ApiError error;

    public RequestException(ApiError error) {
        super(error.message());
        this.error = error;
    }

    public ApiError error() {
        return error;
    }
}
