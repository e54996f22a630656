package io.greenroom.gating.precision;

/**
 * What a replay with mixed precision counted. An expert that several rows of a step chose is asked
 * for once, but selected by each.
 *
 * @param selections experts the router chose: rows times layers times experts per token
 * @param copied of these, experts whose copy took part instead
 * @param skipped of these, experts that were done without
 * @param asked experts that visits asked for in full
 * @param hits of these, those that were resident
 * @param copiesAsked copies that visits asked for
 * @param copyHits of these, those that were resident
 * @param without experts that visits did without
 * @param bytes of all reads
 * @param tokens rows of all steps
 * @param decodeTokens rows of the steps without rows of a prompt
 * @param decodeNanos time of these steps
 */
public record MixedResult(
        long selections,
        long copied,
        long skipped,
        long asked,
        long hits,
        long copiesAsked,
        long copyHits,
        long without,
        long bytes,
        long tokens,
        long decodeTokens,
        double decodeNanos) {

    /** Nothing replayed. */
    public static final MixedResult NONE = new MixedResult(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /**
     * Share of what visits wanted that took part without a read, in full or as a copy, from 0 to 1.
     */
    public double hitRate() {
        return share(hits + copyHits, asked + copiesAsked + without);
    }

    /** Share of selections that took part in full, from 0 to 1. */
    public double fullShare() {
        return share(selections - copied - skipped, selections);
    }

    /** Share of selections that took part as copies, from 0 to 1. */
    public double copiedShare() {
        return share(copied, selections);
    }

    /** Share of selections that were done without, from 0 to 1. */
    public double skippedShare() {
        return share(skipped, selections);
    }

    public double bytesPerToken() {
        return share(bytes, tokens);
    }

    /** Tokens a second of the steps without rows of a prompt; infinite if they took no time. */
    public double decodeTokensPerSecond() {
        return decodeTokens == 0 ? 0 : decodeTokens / (decodeNanos / 1e9);
    }

    /** Both together, as if one had followed the other. */
    public MixedResult plus(MixedResult other) {
        return new MixedResult(
                selections + other.selections,
                copied + other.copied,
                skipped + other.skipped,
                asked + other.asked,
                hits + other.hits,
                copiesAsked + other.copiesAsked,
                copyHits + other.copyHits,
                without + other.without,
                bytes + other.bytes,
                tokens + other.tokens,
                decodeTokens + other.decodeTokens,
                decodeNanos + other.decodeNanos);
    }

    private static double share(long part, long whole) {
        return whole == 0 ? 0 : (double) part / whole;
    }
}
