package io.greenroom.cache.plan;

import io.greenroom.cache.sim.TimeModel;

/**
 * How long a token of a single request takes, from what its parts take, without replaying anything.
 * While the missing experts of a layer are read, the resident ones are computed; the decoder stalls
 * for what is left of the read.
 *
 * <p>Of a layer only the expected number of misses is known. They are taken to fall on its experts
 * independently, so that a visit's misses have a binomial distribution.
 *
 * @param model what the parts take
 * @param layers of the model
 * @param moeLayers of these, layers with experts
 * @param expertsPerToken experts a token visits in each of them
 */
public record TokenTime(TimeModel model, int layers, int moeLayers, int expertsPerToken) {

    private static final double NANOS = 1e9;

    /** A token with every expert resident. */
    public double computeSeconds() {
        return (model.step() + layers * (model.layer() + model.row())) / NANOS
                + moeLayers * expertsPerToken * expertSeconds();
    }

    /**
     * Expected stall of one layer.
     *
     * @param misses expected, at most as many as a token visits
     * @param missBytes bytes of one expert
     */
    public double stallSeconds(double misses, long missBytes) {
        double each = Math.min(1, misses / expertsPerToken);
        double stall = 0;
        for (int missing = 1; missing <= expertsPerToken; missing++) {
            double overlap = (expertsPerToken - missing) * expertSeconds();
            double wait = readSeconds(missing, missBytes) - overlap;
            if (wait > 0) {
                wait += model.resume() / NANOS;
                stall += binomial(expertsPerToken, missing, each) * wait;
            }
        }
        return stall;
    }

    /** Tokens per second with so long a stall for each of them. */
    public double tokensPerSecond(double stallSeconds) {
        return 1 / (computeSeconds() + stallSeconds);
    }

    private double expertSeconds() {
        return (model.expert() + model.expertRow()) / NANOS;
    }

    /** From the request of some experts of one layer until the last of them is there. */
    private double readSeconds(int experts, long missBytes) {
        return model.readLatency() / NANOS + experts * missBytes / model.bytesPerSecond();
    }

    private static double binomial(int n, int k, double p) {
        double choose = 1;
        for (int i = 1; i <= k; i++) {
            choose = choose * (n - k + i) / i;
        }
        return choose * Math.pow(p, k) * Math.pow(1 - p, n - k);
    }
}
