package io.greenroom.cache;

import java.util.ArrayList;
import java.util.List;

/** One read under way, and the visits that wait for it. Guarded by the cache's lock. */
final class Load {

    final Entry entry;

    /** The slot read into. */
    final int slot;

    /** When it began, by the cache's clock. */
    final long begun;

    /** Whether a hint began it. */
    final boolean hinted;

    /** Whether a hint is still the only reason for it. */
    boolean guess;

    /** Bytes it brings in; set before the read is dispatched. */
    long bytes;

    final List<Visit> waiting = new ArrayList<>(1);

    Load(Entry entry, long begun, boolean hinted) {
        this.entry = entry;
        this.slot = entry.slot;
        this.begun = begun;
        this.hinted = hinted;
        this.guess = hinted;
    }
}
