package io.greenroom.offload.decoder;

import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.kernel.Activations;
import java.util.List;

/**
 * Is told what the routers decided. What it does cannot show in the output.
 *
 * <p>Called on the scheduler's thread, between the kernels: it must be quick, and must not keep
 * what it is handed.
 */
interface RoutingObserver {

    /**
     * A step begins.
     *
     * @param x embeddings, {@code [rows, hidden]}
     */
    default void stepBegins(Batch batch, Activations x) {}

    /**
     * A layer's router has decided; its experts are asked for next.
     *
     * @param batch the rows routed
     * @param input the gate input, {@code [rows, hidden]}
     * @param logits {@code [rows, experts]} row-major, as the router made them
     */
    void routed(
            int layer, Batch batch, Activations input, float[] logits, RoutingDecision decision);

    /**
     * The router of a layer to come was applied ahead of time; it decides nothing. Of several
     * guesses at a layer the last is the one to be judged.
     *
     * @param layer the layer that was guessed at
     * @param logits {@code [rows, experts]} row-major
     */
    default void foreseen(int layer, int rows, float[] logits) {}

    /**
     * A layer's experts are computed and lie in the scratch's partial results; nothing of them is
     * added to the stream yet.
     *
     * @param x residual stream as it was at the gate, {@code [rows, hidden]}
     * @param factors {@code [rows, k]} of the partial results
     */
    default void computed(int layer, Batch batch, Activations x, float[] factors) {}

    /** All layers are done, for all rows that are left in the batch. */
    default void stepDone(Batch batch) {}

    /** A request is over; comes between steps. */
    default void requestEnded(int request) {}

    /** One observer that tells all of these, in order. */
    static RoutingObserver all(List<RoutingObserver> observers) {
        RoutingObserver[] all = observers.toArray(RoutingObserver[]::new); // no iterator per call
        return new RoutingObserver() {
            @Override
            public void stepBegins(Batch batch, Activations x) {
                for (RoutingObserver observer : all) {
                    observer.stepBegins(batch, x);
                }
            }

            @Override
            public void computed(int layer, Batch batch, Activations x, float[] factors) {
                for (RoutingObserver observer : all) {
                    observer.computed(layer, batch, x, factors);
                }
            }

            @Override
            public void routed(
                    int layer,
                    Batch batch,
                    Activations input,
                    float[] logits,
                    RoutingDecision decision) {
                for (RoutingObserver observer : all) {
                    observer.routed(layer, batch, input, logits, decision);
                }
            }

            @Override
            public void foreseen(int layer, int rows, float[] logits) {
                for (RoutingObserver observer : all) {
                    observer.foreseen(layer, rows, logits);
                }
            }

            @Override
            public void requestEnded(int request) {
                for (RoutingObserver observer : all) {
                    observer.requestEnded(request);
                }
            }

            @Override
            public void stepDone(Batch batch) {
                for (RoutingObserver observer : all) {
                    observer.stepDone(batch);
                }
            }
        };
    }
}
