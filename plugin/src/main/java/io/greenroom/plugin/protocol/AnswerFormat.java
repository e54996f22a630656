package io.greenroom.plugin.protocol;

import io.greenroom.offload.decoder.GenerationUsage;

/**
 * Writes one answer as the client asked for it. Ends with exactly one of {@link #finish} and {@link
 * #fail}. Called by one thread at a time.
 */
public interface AnswerFormat {

    /**
     * A token was produced.
     *
     * @param text what became certain with it, possibly nothing
     */
    void token(int token, String text);

    /**
     * The answer is complete.
     *
     * @param text what was held back
     */
    void finish(String text, Ending ending, GenerationUsage usage);

    /** The answer cannot be completed. */
    void fail(ApiError error);
}
