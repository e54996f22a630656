package io.greenroom.cache.plan;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;

/**
 * Visits of a model of which no trace is there: an assumption, to be named as one wherever its
 * figures are shown.
 *
 * <p>In every layer experts are popular by rank as Zipf's law has it, each layer with a ranking of
 * its own; and an expert chosen for one token is chosen for the next with a certain probability
 * besides.
 *
 * @param exponent of Zipf's law; 0 makes all experts alike, the worst case for any cache
 * @param repeat probability that a choice is taken over from the token before
 */
public record AssumedTraffic(double exponent, double repeat) {

    public AssumedTraffic {
        if (!(exponent >= 0 && exponent <= 4) || !(repeat >= 0 && repeat < 1)) {
            throw new IllegalArgumentException(
                    "Traffic needs an exponent from 0 to 4 and a share of repeats from 0 to below 1,"
                            + " got "
                            + exponent
                            + " and "
                            + repeat);
        }
    }

    /**
     * Draws visits of single tokens.
     *
     * @param expertBytes bytes of one expert of each layer, {@code [layers]}; 0 for a layer without
     *     experts
     */
    public RoutingSequence visits(CacheShape shape, long[] expertBytes, int tokens, long seed) {
        Random random = new Random(seed);
        Layer[] layers = new Layer[shape.layers()];
        for (int layer = 0; layer < layers.length; layer++) {
            layers[layer] = new Layer(shape.experts(), shape.expertsPerToken(), random);
        }
        List<Visit> visits = new ArrayList<>();
        for (int token = 0; token < tokens; token++) {
            for (int layer = 0; layer < layers.length; layer++) {
                if (expertBytes[layer] > 0) {
                    visits.add(Visit.of(token, layer, layers[layer].next(random)));
                }
            }
        }
        return new RoutingSequence(shape, visits, tokens, expertBytes);
    }

    /** The experts of one layer, and the choice for the token before. */
    private final class Layer {

        private final double[] upTo; // [experts] probability of this expert or one before it
        private final boolean[] chosen; // [experts] for the token under way
        private int[] last;

        Layer(int experts, int expertsPerToken, RandomGenerator random) {
            upTo = new double[experts];
            chosen = new boolean[experts];
            int[] ranks = new int[experts];
            for (int i = 1; i < experts; i++) { // a random ranking (Fisher and Yates)
                int j = random.nextInt(i + 1);
                ranks[i] = ranks[j];
                ranks[j] = i;
            }
            double sum = 0;
            for (int i = 0; i < experts; i++) {
                sum += Math.pow(ranks[i] + 1.0, -exponent);
                upTo[i] = sum;
            }
            last = new int[expertsPerToken];
            for (int i = 0; i < expertsPerToken; i++) {
                last[i] = i;
            }
        }

        int[] next(RandomGenerator random) {
            int[] next = new int[last.length];
            int count = 0;
            for (int expert : last) {
                if (random.nextDouble() < repeat) {
                    next[count++] = expert;
                    chosen[expert] = true;
                }
            }
            while (count < next.length) {
                int expert = draw(random);
                if (!chosen[expert]) {
                    next[count++] = expert;
                    chosen[expert] = true;
                }
            }
            for (int expert : next) {
                chosen[expert] = false;
            }
            last = next;
            return next.clone();
        }

        private int draw(RandomGenerator random) {
            double at = random.nextDouble() * upTo[upTo.length - 1];
            int found = Arrays.binarySearch(upTo, at);
            return Math.min(upTo.length - 1, found < 0 ? -found - 1 : found + 1);
        }
    }
}
