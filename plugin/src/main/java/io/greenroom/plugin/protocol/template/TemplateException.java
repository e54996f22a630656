package io.greenroom.plugin.protocol.template;

/** A chat template did not render. */
public final class TemplateException extends Exception {

    private static final long serialVersionUID = 1L;

    private final boolean raised;

    /**
     * @param raised whether the template itself refused the conversation, which is the client's
     *     mistake; otherwise the template is broken or needs what is not supported
     */
    TemplateException(String message, boolean raised) {
        super(message);
        this.raised = raised;
    }

    public boolean raised() {
        return raised;
    }
}
