package io.greenroom.cache.sim;

/**
 * What a simulation counted.
 *
 * @param hits experts that were resident when their visit began
 * @param misses experts that were not
 * @param decodeHits hits of steps without rows of a prompt
 * @param decodeMisses misses of these steps
 * @param evictions experts that left their slot for another
 * @param bytesLoaded bytes of all reads, guesses included
 * @param prefetchIssued guesses whose read was asked for
 * @param prefetchUseful guesses that were resident when their visit asked for them
 * @param prefetchLate guesses that were still being read
 * @param prefetchWasted guesses that left without having been asked for
 * @param tokens rows of all steps
 * @param nanos simulated time of all steps
 * @param stallNanos part of it with nothing to compute
 * @param decodeTokens rows of the steps without rows of a prompt
 * @param decodeNanos simulated time of these steps
 */
public record SimulationResult(
        long hits,
        long misses,
        long decodeHits,
        long decodeMisses,
        long evictions,
        long bytesLoaded,
        long prefetchIssued,
        long prefetchUseful,
        long prefetchLate,
        long prefetchWasted,
        long tokens,
        double nanos,
        double stallNanos,
        long decodeTokens,
        double decodeNanos) {

    /** Share of the experts asked for that were resident, from 0 to 1; 0 if none were asked for. */
    public double hitRate() {
        return share(hits, misses);
    }

    /** The same for the steps without rows of a prompt. */
    public double decodeHitRate() {
        return share(decodeHits, decodeMisses);
    }

    /** Tokens a second of the steps without rows of a prompt; infinite if they took no time. */
    public double decodeTokensPerSecond() {
        return decodeTokens == 0 ? 0 : decodeTokens / (decodeNanos / 1e9);
    }

    /** Both together, as if one had followed the other. */
    public SimulationResult plus(SimulationResult other) {
        return new SimulationResult(
                hits + other.hits,
                misses + other.misses,
                decodeHits + other.decodeHits,
                decodeMisses + other.decodeMisses,
                evictions + other.evictions,
                bytesLoaded + other.bytesLoaded,
                prefetchIssued + other.prefetchIssued,
                prefetchUseful + other.prefetchUseful,
                prefetchLate + other.prefetchLate,
                prefetchWasted + other.prefetchWasted,
                tokens + other.tokens,
                nanos + other.nanos,
                stallNanos + other.stallNanos,
                decodeTokens + other.decodeTokens,
                decodeNanos + other.decodeNanos);
    }

    private static double share(long part, long rest) {
        return part + rest == 0 ? 0 : (double) part / (part + rest);
    }
}
