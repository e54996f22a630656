package io.greenroom.cache.policy;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * How slots are divided between layers, whatever their number: each layer has a weight.
 *
 * @param weights one for each layer of the model, at least 0 and not all 0; a dense layer has 0
 */
public record LayerSplit(int[] weights) {

    public LayerSplit {
        weights = weights.clone();
        long sum = 0;
        for (int weight : weights) {
            if (weight < 0) {
                throw new IllegalArgumentException(
                        "Weights of layers are at least 0, got " + Arrays.toString(weights));
            }
            sum += weight;
        }
        if (sum == 0) {
            throw new IllegalArgumentException(
                    "At least one layer must have slots, got " + Arrays.toString(weights));
        }
    }

    /** The same for every layer. */
    public static LayerSplit even(int layers) {
        return new LayerSplit(IntStream.range(0, layers).map(layer -> 1).toArray());
    }

    /** The same for every layer that has experts. */
    public static LayerSplit even(boolean[] routed) {
        return new LayerSplit(
                IntStream.range(0, routed.length).map(l -> routed[l] ? 1 : 0).toArray());
    }

    @Override
    public int[] weights() {
        return weights.clone();
    }

    public int layers() {
        return weights.length;
    }

    /**
     * Each layer's slots; they add up to all slots. What does not divide goes to the largest
     * remainders, ties to lower layers.
     */
    public int[] quotas(int slots) {
        long sum = 0;
        for (int weight : weights) {
            sum += weight;
        }
        int[] quotas = new int[weights.length];
        int left = slots;
        for (int layer = 0; layer < weights.length; layer++) {
            quotas[layer] = (int) ((long) slots * weights[layer] / sum);
            left -= quotas[layer];
        }
        long divisor = sum;
        int[] byRemainder =
                IntStream.range(0, weights.length)
                        .boxed()
                        .sorted(
                                Comparator.comparingLong(
                                        layer -> -((long) slots * weights[layer] % divisor)))
                        .mapToInt(Integer::intValue)
                        .toArray();
        for (int i = 0; i < left; i++) {
            quotas[byRemainder[i]]++;
        }
        return quotas;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LayerSplit split && Arrays.equals(weights, split.weights);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(weights);
    }

    @Override
    public String toString() {
        return "LayerSplit" + Arrays.toString(weights);
    }
}
