package io.greenroom.plugin.heat;

import java.io.IOException;

/** A heat record that is not one; the message says what is wrong with it. */
public final class HeatFormatException extends IOException {

    private static final long serialVersionUID = 1;

    HeatFormatException(String message) {
        super(message);
    }

    HeatFormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
