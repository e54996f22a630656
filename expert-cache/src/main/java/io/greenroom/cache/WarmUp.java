package io.greenroom.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Free slots being filled with a list of experts. Guarded by the cache's lock. */
final class WarmUp {

    /** Most of its reads under way: more would only wait in the loader's queue. */
    static final int IN_FLIGHT = 4;

    final Deque<ExpertId> left; // hottest first
    final CompletableFuture<Integer> done = new CompletableFuture<>();
    final List<ExpertId> arrived = new ArrayList<>(); // in the order of their arrival
    int underWay;

    /** Visits there had been when it began. */
    long visitsBefore;

    /** Whether a thread is handing its reads to the loader. */
    boolean feeding;

    WarmUp(Collection<ExpertId> hottestFirst) {
        left = new ArrayDeque<>(hottestFirst);
    }
}
