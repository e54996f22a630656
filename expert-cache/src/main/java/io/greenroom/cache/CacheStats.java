package io.greenroom.cache;

/**
 * Counters since the cache was opened; differences of two snapshots describe an interval.
 *
 * @param hits experts of visits that were resident when the visit began
 * @param misses experts of visits that were not; {@code hits + misses} is every expert visited
 * @param loads reads completed, of either priority
 * @param loadFailures reads that failed
 * @param evictions experts that left their slot for another
 * @param bytesLoaded bytes brought in by completed reads
 * @param prefetchIssued reads started by hints
 * @param prefetchUseful prefetched experts visited before they were evicted, already resident
 * @param prefetchLate prefetched experts visited while still being read
 * @param prefetchWasted prefetched experts evicted without a visit
 * @param stallNanos time visits spent waiting with nothing to compute
 * @param background what happened for no visit and no hint
 */
public record CacheStats(
        long hits,
        long misses,
        long loads,
        long loadFailures,
        long evictions,
        long bytesLoaded,
        long prefetchIssued,
        long prefetchUseful,
        long prefetchLate,
        long prefetchWasted,
        long stallNanos,
        Background background) {

    /**
     * Reads and changes that neither a visit nor a hint asked for; and hints taken back.
     *
     * @param warmed experts read to fill free slots
     * @param swaps experts read in exchange for another resident
     * @param hintsCancelled hinted reads given up before they began
     * @param resizes changes of the number of slots
     * @param slotsRetired slots whose memory was given back
     */
    public record Background(
            long warmed, long swaps, long hintsCancelled, long resizes, long slotsRetired) {

        public static final Background NONE = new Background(0, 0, 0, 0, 0);

        /** The counters of two caches together. */
        public Background plus(Background other) {
            return new Background(
                    warmed + other.warmed,
                    swaps + other.swaps,
                    hintsCancelled + other.hintsCancelled,
                    resizes + other.resizes,
                    slotsRetired + other.slotsRetired);
        }
    }

    /** Without anything in the background. */
    public CacheStats(
            long hits,
            long misses,
            long loads,
            long loadFailures,
            long evictions,
            long bytesLoaded,
            long prefetchIssued,
            long prefetchUseful,
            long prefetchLate,
            long prefetchWasted,
            long stallNanos) {
        this(
                hits,
                misses,
                loads,
                loadFailures,
                evictions,
                bytesLoaded,
                prefetchIssued,
                prefetchUseful,
                prefetchLate,
                prefetchWasted,
                stallNanos,
                Background.NONE);
    }

    /** The counters of two caches together. */
    public CacheStats plus(CacheStats other) {
        return new CacheStats(
                hits + other.hits,
                misses + other.misses,
                loads + other.loads,
                loadFailures + other.loadFailures,
                evictions + other.evictions,
                bytesLoaded + other.bytesLoaded,
                prefetchIssued + other.prefetchIssued,
                prefetchUseful + other.prefetchUseful,
                prefetchLate + other.prefetchLate,
                prefetchWasted + other.prefetchWasted,
                stallNanos + other.stallNanos,
                background.plus(other.background));
    }

    /** Share of visited experts that were resident, from 0 to 1; 0 before the first visit. */
    public double hitRate() {
        long visited = hits + misses;
        return visited == 0 ? 0 : (double) hits / visited;
    }
}
