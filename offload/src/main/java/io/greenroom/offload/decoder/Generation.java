package io.greenroom.offload.decoder;

/** A generation under way. */
public interface Generation {

    /**
     * Asks it to end before the model's next step, with {@link FinishReason#CANCELLED}. Harmless
     * once it has ended. Any thread.
     */
    void cancel();
}
