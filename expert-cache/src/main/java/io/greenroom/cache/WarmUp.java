package io.greenroom.cache;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;

/** Free slots being filled with a list of experts. Guarded by the cache's lock. */
final class WarmUp {

    /** Most of its reads under way: more would only wait in the loader's queue. */
    static final int IN_FLIGHT = 4;

    final Deque<ExpertId> left; // hottest first
    final CompletableFuture<Integer> done = new CompletableFuture<>();
    int underWay;
    int read;

    /** Whether a thread is handing its reads to the loader. */
    boolean feeding;

    WarmUp(Collection<ExpertId> hottestFirst) {
        left = new ArrayDeque<>(hottestFirst);
    }
}
