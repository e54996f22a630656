package io.greenroom.plugin.protocol;

/** Where an answer goes. Called by one thread at a time; never blocks. */
public interface AnswerSink {

    /**
     * Makes what follows a plain error with an HTTP status of its own.
     *
     * @return false if it is too late: the status has been sent, or may have been
     */
    boolean fail(int status);

    void write(String text);

    /** The answer is complete. The last call. */
    void end();
}
