package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.store.ExpertWeights;

/**
 * Where the experts that a batch was routed to are visited and computed, one layer after the other.
 * Used by the scheduler's thread.
 */
interface ExpertStage {

    /**
     * Begins a layer: residents are pinned, and reads of what is missing are on their way when this
     * returns.
     *
     * @return what must be closed before the next layer begins
     */
    Pass begin(int layer, RoutingDecision decision);

    /** The experts of one layer. */
    interface Pass extends AutoCloseable {

        /**
         * Computes each expert for all rows that chose it. Row {@code token * k + rank} of the
         * scratch's partial results becomes the output of the expert that the token ranked there.
         * Sequences whose experts could not be read are marked as failed in the batch.
         *
         * @param input gate input, {@code [rows, hidden]}
         * @return {@code [rows, k]} factor of each partial result in the layer's sum
         * @throws InterruptedException if the thread was interrupted while waiting for an expert
         */
        float[] compute(Batch batch, Activations input) throws InterruptedException;

        @Override
        void close();
    }

    /**
     * Where experts come from.
     *
     * @param cache who is resident
     * @param slots the matrices in a slot
     * @param overlap whether experts are handed out while others are being read
     */
    record Experts(ExpertCache cache, Slots slots, boolean overlap) {

        /** As it should be. */
        Experts(ExpertCache cache, Slots slots) {
            this(cache, slots, true);
        }

        /** Begins a visit to a layer. */
        ExpertVisit visit(int layer, int[] experts) {
            ExpertVisit visit = cache.visit(layer, experts);
            // All of them must have a slot at once.
            return overlap || experts.length > cache.slots() ? visit : new WholeVisit(visit);
        }
    }

    /** Sees the bytes of a slot as an expert's matrices. */
    interface Slots {

        /** The matrices of an expert that lies in a slot; valid as long as its lease. */
        ExpertWeights weights(ExpertId id, int slot);
    }
}
