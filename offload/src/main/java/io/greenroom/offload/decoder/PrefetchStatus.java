package io.greenroom.offload.decoder;

import io.greenroom.gating.predict.PredictionStats;
import java.util.List;

/**
 * What prefetch is doing, for operators.
 *
 * @param mode as configured
 * @param on whether anything is read ahead now
 * @param reason why, in a line
 * @param idleShare share of decoding time in which the link to the experts' files is idle, 0 to 1
 * @param bytesPerSecond what the link carries while it is busy; 0 before the first read
 * @param layers layers with routed experts
 */
public record PrefetchStatus(
        ModelOptions.Prefetch mode,
        boolean on,
        String reason,
        double idleShare,
        long bytesPerSecond,
        List<Layer> layers) {

    /** Of a model that was told not to prefetch. */
    public static final PrefetchStatus OFF =
            new PrefetchStatus(
                    ModelOptions.Prefetch.OFF, false, "off: as configured", 0, 0, List.of());

    public PrefetchStatus {
        layers = List.copyOf(layers);
    }

    /**
     * One layer.
     *
     * @param layer its index
     * @param expertBytes bytes of one of its experts
     * @param fits experts that could be read in the link's idle time before it
     * @param recall how well its experts were foreseen
     */
    public record Layer(int layer, long expertBytes, double fits, PredictionStats.Recall recall) {}

    /** The recall of all layers together. */
    public PredictionStats.Recall recall() {
        long chosen = 0;
        long withinK = 0;
        long within2K = 0;
        for (Layer layer : layers) {
            chosen += layer.recall().chosen();
            withinK += layer.recall().withinK();
            within2K += layer.recall().within2K();
        }
        return new PredictionStats.Recall(chosen, withinK, within2K);
    }
}
