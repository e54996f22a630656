package io.greenroom.offload.decoder;

/**
 * Runs batches through a model; the scheduler's view of it. Used by one thread, a {@link #forward}
 * and then at most one {@link #logits} for the same batch.
 */
interface BatchDecoder {

    /**
     * Runs all rows through all layers and writes their keys and values into the KV cache.
     * Sequences that fail alone are marked in the batch; an exception fails the whole batch.
     *
     * @throws InterruptedException if the thread was interrupted while waiting for an expert
     */
    void forward(Batch batch) throws InterruptedException;

    /** Computes logits of the rows that want them and hands them over in the order of rows. */
    void logits(Batch batch, Sink sink);

    /**
     * A request that had been admitted is over.
     *
     * @param request its number, as in the batches it was in
     */
    default void ended(int request) {}

    /** Receives logits. */
    interface Sink {

        /**
         * @param sequence index within the batch
         * @param position of the row in its sequence
         * @param logits {@code [vocabulary]}, overwritten after the call
         */
        void accept(int sequence, int position, float[] logits);
    }
}
