package io.greenroom.offload.decoder;

import org.jspecify.annotations.Nullable;

/**
 * Hears what a generation produces, on the model's scheduler thread: return soon, never block. An
 * exception thrown here ends this generation with {@link FinishReason#ERROR} and no other.
 */
public interface TokenListener {

    /**
     * One more token. End tokens are not reported.
     *
     * @return whether to go on; false ends the generation with {@link FinishReason#STOP}
     */
    boolean onToken(int token);

    /**
     * The last call.
     *
     * @param failure the reason if {@code reason} is {@link FinishReason#ERROR}, else null
     */
    void onFinish(FinishReason reason, GenerationUsage usage, @Nullable Throwable failure);
}
