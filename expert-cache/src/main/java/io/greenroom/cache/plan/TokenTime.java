package io.greenroom.cache.plan;

/**
 * How long a token takes, from what its parts take. While the missing experts of a layer are read,
 * the resident ones are computed; the decoder stalls for what is left of the read.
 *
 * <p>Of a layer only the expected number of misses is known. They are taken to fall on its experts
 * independently, so that a visit's misses have a binomial distribution.
 *
 * @param computeSeconds one token with every expert resident
 * @param expertSeconds of these, one expert
 * @param readSeconds from the request of one expert until it is there, with nothing else to read
 * @param bytesPerSecond at which several experts are read together
 */
public record TokenTime(
        double computeSeconds, double expertSeconds, double readSeconds, double bytesPerSecond) {

    /**
     * @throws IllegalArgumentException naming the value and what is accepted
     */
    public TokenTime {
        atLeastZero("compute time", computeSeconds);
        atLeastZero("compute time of an expert", expertSeconds);
        atLeastZero("read time of an expert", readSeconds);
        if (!(bytesPerSecond > 0)) {
            throw new IllegalArgumentException(
                    "The bandwidth must be above 0 bytes per second, got " + bytesPerSecond);
        }
    }

    private static void atLeastZero(String what, double seconds) {
        if (!(seconds >= 0 && seconds < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "The " + what + " must be finite and at least 0, got " + seconds + " s");
        }
    }

    /**
     * Expected stall of one visit of a layer.
     *
     * @param experts how many the visit asks for
     * @param misses expected, at most {@code experts}
     * @param missBytes bytes of one expert
     */
    public double stallSeconds(int experts, double misses, long missBytes) {
        double each = Math.min(1, misses / experts);
        double stall = 0;
        for (int missing = 1; missing <= experts; missing++) {
            double overlap = (experts - missing) * expertSeconds;
            double wait = Math.max(0, readSeconds(missing, missBytes) - overlap);
            stall += binomial(experts, missing, each) * wait;
        }
        return stall;
    }

    /** From the request of some experts of one layer until the last of them is there. */
    public double readSeconds(int experts, long missBytes) {
        return experts == 0 ? 0 : readSeconds + (experts - 1) * missBytes / bytesPerSecond;
    }

    /** Tokens per second of a single request that stalls so long for each of them. */
    public double tokensPerSecond(double stallSeconds) {
        return 1 / (computeSeconds + stallSeconds);
    }

    private static double binomial(int n, int k, double p) {
        double choose = 1;
        for (int i = 1; i <= k; i++) {
            choose = choose * (n - k + i) / i;
        }
        return choose * Math.pow(p, k) * Math.pow(1 - p, n - k);
    }
}
