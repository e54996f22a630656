package io.greenroom.cache;

/**
 * The cache's counters; see {@link CacheStats} for what each means. Guarded by the cache's lock.
 */
final class Counters {

    long hits;
    long misses;
    long loads;
    long loadFailures;
    long evictions;
    long bytesLoaded;
    long prefetchIssued;
    long prefetchUseful;
    long prefetchLate;
    long prefetchWasted;
    long stallNanos;
    long warmed;
    long swaps;
    long hintsCancelled;
    long resizes;
    long slotsRetired;

    CacheStats snapshot() {
        return new CacheStats(
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
                new CacheStats.Background(warmed, swaps, hintsCancelled, resizes, slotsRetired));
    }
}
