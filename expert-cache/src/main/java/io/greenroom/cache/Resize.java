package io.greenroom.cache;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/** A change of the number of slots that has not been reached. */
final class Resize {

    final int slots;
    final CompletableFuture<Integer> done = new CompletableFuture<>();

    Resize(int slots) {
        this.slots = slots;
    }

    void reached() {
        done.complete(slots);
    }

    void superseded(int later) {
        done.completeExceptionally(
                new CancellationException(
                        "The resize to "
                                + slots
                                + " slots was superseded by one to "
                                + later
                                + " before it was reached"));
    }

    void closed() {
        done.completeExceptionally(
                new CancellationException(
                        "The expert cache was closed before it had come to " + slots + " slots"));
    }
}
