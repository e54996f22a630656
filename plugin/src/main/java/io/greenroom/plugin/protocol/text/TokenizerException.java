package io.greenroom.plugin.protocol.text;

import java.io.IOException;

/** A checkpoint's tokenizer cannot be used; says what it has and what is supported. */
public final class TokenizerException extends IOException {

    private static final long serialVersionUID = 1L;

    public TokenizerException(String message) {
        super(message);
    }

    public TokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
