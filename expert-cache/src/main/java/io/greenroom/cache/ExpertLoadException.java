package io.greenroom.cache;

/** An expert's bytes could not be read. Says which expert and carries the reader's reason. */
public final class ExpertLoadException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient ExpertId id;

    public ExpertLoadException(ExpertId id, Throwable cause) {
        super("Cannot load expert " + id + ": " + reason(cause), cause);
        this.id = id;
    }

    public ExpertId id() {
        return id;
    }

    private static String reason(Throwable cause) {
        String message = cause.getMessage();
        return message == null ? cause.getClass().getSimpleName() : message;
    }
}
