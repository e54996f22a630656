package io.greenroom.cache.plan;

import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.ArrayList;
import java.util.List;

/**
 * Computes the miss curves of a model's layers from what they asked for.
 *
 * <p>Curves start from an empty cache, so an expert's first visit is a miss at every size; over a
 * long sequence that no longer shows.
 */
public final class MissCurves {

    private MissCurves() {}

    /**
     * The curves of LRU, exact at every size, from one pass: an expert hits if fewer others than
     * its layer has slots were visited since.
     *
     * @param decodeOnly whether only the misses of steps that read no prompt count; the others
     *     still decide what is resident
     * @return one for each layer of the model; flat at 0 for a layer without visits
     */
    public static List<MissCurve> lru(RoutingSequence sequence, boolean decodeOnly) {
        int layers = sequence.shape().layers();
        LayerStacks stacks = new LayerStacks(layers, sequence.shape().experts());
        int step = -1;
        for (Visit visit : sequence.visits()) {
            boolean counts = visit.decode() || !decodeOnly;
            stacks.visit(visit.layer(), visit.experts(), counts);
            if (counts && visit.step() != step) {
                stacks.tokens(visit.rows());
            }
            step = visit.step();
        }
        List<MissCurve> curves = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            curves.add(stacks.curve(layer));
        }
        return curves;
    }

    /**
     * The mean of several sequences' curves, by their tokens; each begins with an empty cache.
     *
     * @param sequences of one model, at least one
     */
    public static List<MissCurve> lru(List<RoutingSequence> sequences, boolean decodeOnly) {
        List<List<MissCurve>> each = new ArrayList<>();
        for (RoutingSequence sequence : sequences) {
            each.add(lru(sequence, decodeOnly));
        }
        return mean(sequences, each);
    }

    private static List<MissCurve> mean(
            List<RoutingSequence> sequences, List<List<MissCurve>> curves) {
        double tokens = Math.max(1, sequences.stream().mapToLong(RoutingSequence::tokens).sum());
        List<MissCurve> mean = new ArrayList<>();
        for (int layer = 0; layer < curves.get(0).size(); layer++) {
            double[] sum = new double[curves.get(0).get(layer).experts() + 1];
            for (int i = 0; i < curves.size(); i++) {
                double share = sequences.get(i).tokens() / tokens;
                for (int slots = 0; slots < sum.length; slots++) {
                    sum[slots] += share * curves.get(i).get(layer).misses(slots);
                }
            }
            mean.add(MissCurve.of(sum));
        }
        return mean;
    }
}
