package io.greenroom.offload.store;

/**
 * What the link to the experts' files has been doing since it was opened. The difference of two
 * snapshots describes an interval: it was idle for as long as it was neither at demand nor at
 * guesses.
 *
 * @param demandNanos time in which a read that somebody waits for was queued or under way
 * @param guessNanos time in which only guesses were being read
 * @param demandBytes bytes of completed demand reads
 * @param guessBytes bytes of completed reads of guesses
 */
public record LinkUse(long demandNanos, long guessNanos, long demandBytes, long guessBytes) {

    /** Nothing yet. */
    public static final LinkUse NONE = new LinkUse(0, 0, 0, 0);

    /** What happened since an earlier snapshot. */
    public LinkUse since(LinkUse earlier) {
        return new LinkUse(
                demandNanos - earlier.demandNanos,
                guessNanos - earlier.guessNanos,
                demandBytes - earlier.demandBytes,
                guessBytes - earlier.guessBytes);
    }
}
