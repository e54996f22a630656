package io.greenroom.cache.plan;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.EvictionPolicies;
import io.greenroom.cache.policy.PolicyName;
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

    /** Sizes that are replayed: enough for every number of slots of a layer of 32 experts. */
    private static final int MOST_SIZES = 32;

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

    /**
     * The curves of any policy, by replaying each layer's visits alone with up to 33 numbers of
     * slots, with straight lines between them.
     *
     * @param sequences of one model, at least one
     */
    public static List<MissCurve> replayed(List<RoutingSequence> sequences, PolicyName policy) {
        List<List<MissCurve>> each = new ArrayList<>();
        for (RoutingSequence sequence : sequences) {
            each.add(replayed(sequence, policy));
        }
        return mean(sequences, each);
    }

    private static List<MissCurve> replayed(RoutingSequence sequence, PolicyName policy) {
        CacheShape shape = sequence.shape();
        int[] sizes = sizes(shape.experts());
        double[][] misses = new double[shape.layers()][sizes.length];
        double tokens = Math.max(1, sequence.tokens());
        for (Visit visit : sequence.visits()) {
            misses[visit.layer()][0] += visit.experts().length / tokens;
        }
        CacheShape alone = new CacheShape(1, shape.experts(), shape.expertsPerToken());
        int depth = Math.max(16, 2 * shape.expertsPerToken());
        float[] scores = new float[shape.experts()];
        for (int i = 1; i < sizes.length; i++) {
            ShadowCache[] caches = new ShadowCache[shape.layers()];
            for (int layer = 0; layer < caches.length; layer++) {
                caches[layer] =
                        new ShadowCache(
                                EvictionPolicies.create(policy, alone, sizes[i], null),
                                1,
                                shape.experts(),
                                sizes[i],
                                depth);
            }
            for (Visit visit : sequence.visits()) {
                int missed = caches[visit.layer()].visit(0, visit, scores);
                misses[visit.layer()][i] += missed / tokens;
            }
        }
        List<MissCurve> curves = new ArrayList<>();
        for (double[] layer : misses) {
            curves.add(MissCurve.through(sizes, layer));
        }
        return curves;
    }

    /** 0, all experts, and up to 31 sizes in between. */
    private static int[] sizes(int experts) {
        int step = Math.max(1, (experts + MOST_SIZES - 1) / MOST_SIZES);
        int[] sizes = new int[(experts + step - 1) / step + 1];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = Math.min(experts, i * step);
        }
        return sizes;
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
