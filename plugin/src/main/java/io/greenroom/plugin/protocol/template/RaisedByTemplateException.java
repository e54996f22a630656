package io.greenroom.plugin.protocol.template;

/** Carries the text of a template's {@code raise_exception} out of the renderer. */
final class RaisedByTemplateException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RaisedByTemplateException(String message) {
        super(message);
    }
}
