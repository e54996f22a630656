package io.greenroom.cache;

import org.jspecify.annotations.Nullable;

/**
 * What the cache knows about one expert, for as long as the cache lives. All fields are guarded by
 * the cache's lock.
 */
final class Entry {

    /** Where an expert is. All but {@code ABSENT} own a slot; the last three are "resident". */
    enum Place {
        /** Not in memory. */
        ABSENT,
        /** Being read into its slot. */
        LOADING,
        /** Resident because it was wanted; the eviction policy has it in its order. */
        KEPT,
        /**
         * Resident because of a hint that proved wrong: its slot goes to the next that needs one.
         */
        EXPIRED,
        /** Resident because of a hint; no visit has asked for it yet. */
        CUED
    }

    final ExpertId id;

    Place place = Place.ABSENT;

    /** The slot it owns, or -1. */
    int slot = -1;

    /** Claims of visits plus open leases; it cannot be evicted while above 0. */
    int holds;

    /** Brought in by a hint and not asked for since. */
    boolean guessed;

    /** The read under way, exactly while {@code LOADING}. */
    @Nullable Load load;

    /** Number of the last visit that named it, to find experts named twice. */
    long lastVisit;

    /** Neighbours in the {@link EntryQueue} it is in. */
    @Nullable Entry previous;

    @Nullable Entry next;

    Entry(ExpertId id) {
        this.id = id;
    }

    boolean isResident() {
        return place == Place.KEPT || place == Place.EXPIRED || place == Place.CUED;
    }
}
