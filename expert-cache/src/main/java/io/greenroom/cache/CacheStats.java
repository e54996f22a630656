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
        long stallNanos) {

    /** Share of visited experts that were resident, from 0 to 1; 0 before the first visit. */
    public double hitRate() {
        long visited = hits + misses;
        return visited == 0 ? 0 : (double) hits / visited;
    }
}
