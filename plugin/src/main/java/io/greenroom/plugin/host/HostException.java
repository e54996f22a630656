package io.greenroom.plugin.host;

import io.netty.handler.codec.http.HttpResponseStatus;

/** A request the host itself refuses, with the status the client gets. */
public final class HostException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;

    HostException(HttpResponseStatus status, String message) {
        super(message);
        this.status = status.code();
    }

    HostException(HttpResponseStatus status, String message, Throwable cause) {
        super(message, cause);
        this.status = status.code();
    }

    /** The HTTP status code. */
    public int status() {
        return status;
    }
}
