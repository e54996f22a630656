package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;

/**
 * One transformer layer, pre-norm with two residual connections: {@code x += attention(norm(x)); x
 * += feedForward(norm(x))}.
 *
 * @param attention first half
 * @param feedForward second half, dense or with experts
 */
record DecoderLayer(SelfAttention attention, FeedForward feedForward) {

    void forward(Batch batch, Activations x) throws InterruptedException {
        attention.forward(batch, x);
        feedForward.forward(batch, x);
    }
}
