package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;

/** Second half of a layer: what this token makes of what it has taken in. */
interface FeedForward {

    /**
     * Adds the block's output to {@code x}, {@code [rows, hidden]}. Sequences whose experts could
     * not be read are marked as failed in the batch, and their rows of {@code x} are then garbage.
     *
     * @throws InterruptedException if the thread was interrupted while waiting for an expert
     */
    void forward(Batch batch, Activations x) throws InterruptedException;
}
