package io.greenroom.plugin.cli;

import io.greenroom.cache.CacheStats;

/**
 * How the hit rate develops from the first token on.
 *
 * @param hits experts found in memory, token by token, {@code [tokens]}
 * @param visited experts asked for, {@code [tokens]}
 */
record HitCourse(long[] hits, long[] visited) {

    static HitCourse of(int tokens) {
        return new HitCourse(new long[tokens], new long[tokens]);
    }

    /** Notes what one token brought, from the counters before it and after it. */
    void note(int token, CacheStats before, CacheStats after) {
        hits[token] = after.hits() - before.hits();
        visited[token] = hits[token] + after.misses() - before.misses();
    }

    int tokens() {
        return hits.length;
    }

    /** Hit rate of the tokens from one up to another. */
    double rate(int from, int to) {
        long hit = 0;
        long all = 0;
        for (int token = from; token < Math.min(to, hits.length); token++) {
            hit += hits[token];
            all += visited[token];
        }
        return all == 0 ? 0 : (double) hit / all;
    }

    /** The hit rate in the long run: that of the second half. */
    double steady() {
        return rate(hits.length / 2, hits.length);
    }

    /**
     * Tokens before the hit rate is there.
     *
     * @param rate to be reached
     * @param window tokens over which it must be reached
     * @return the first token of the first window in which it is; all tokens if there is none
     */
    int tokensUntil(double rate, int window) {
        for (int token = 0; token + window <= hits.length; token++) {
            if (rate(token, token + window) >= rate) {
                return token;
            }
        }
        return hits.length;
    }
}
