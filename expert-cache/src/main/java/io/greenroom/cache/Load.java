package io.greenroom.cache;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One read under way, and the visits that wait for it. Guarded by the cache's lock. */
final class Load {

    /** What began it. */
    enum Reason {
        /** A visit. */
        DEMAND(LoadPriority.DEMAND, CacheListener.Event.LOAD),
        /** A hint. */
        HINT(LoadPriority.PREFETCH, CacheListener.Event.PREFETCH),
        /** An exchange of one resident for another. */
        SWAP(LoadPriority.PREFETCH, CacheListener.Event.BACKGROUND),
        /** The filling of free slots. */
        WARM_UP(LoadPriority.BACKGROUND, CacheListener.Event.BACKGROUND);

        final LoadPriority priority;

        /** What listeners hear when it begins. */
        final CacheListener.Event event;

        Reason(LoadPriority priority, CacheListener.Event event) {
            this.priority = priority;
            this.event = event;
        }
    }

    final Entry entry;

    /** The slot read into. */
    final int slot;

    /** When it began, by the cache's clock. */
    final long begun;

    final Reason reason;

    /** The warm-up it is part of. */
    final @Nullable WarmUp warmUp;

    /** Whether a visit asked for the expert, first or later. */
    boolean wanted;

    /** How often the loader was, or is about to be, asked to cancel it. */
    int cancels;

    /** Whether it was cancelled although a visit had just joined, and was begun again. */
    boolean begunAgain;

    /** Bytes it brings in; set before the read is dispatched. */
    long bytes;

    final List<Visit> waiting = new ArrayList<>(1);

    Load(Entry entry, long begun, Reason reason, @Nullable WarmUp warmUp) {
        this.entry = entry;
        this.slot = entry.slot;
        this.begun = begun;
        this.reason = reason;
        this.warmUp = warmUp;
        this.wanted = reason == Reason.DEMAND;
    }

    /** Whether a hint is still the only reason for it. */
    boolean isGuess() {
        return reason == Reason.HINT && !wanted;
    }
}
