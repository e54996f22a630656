package io.greenroom.cache;

import io.greenroom.cache.Entry.Place;
import io.greenroom.cache.policy.EvictionPolicy;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Who leaves when a slot is needed. Guarded by the cache's lock.
 *
 * <p>Residents are in one of three places. Those that visits used are <em>kept</em>, in the order
 * of the eviction policy. Those that a hint brought in are <em>cued</em> until a visit asks for
 * them. When their layer has passed without that, or there are too many, they have <em>expired</em>
 * and go before anything that was used. A hint is not a use: the policy hears of an expert when a
 * visit asks for it. Otherwise guesses would push used experts out, and count twice when they prove
 * right.
 */
final class ResidentSet {

    private final EvictionPolicy policy;
    private final Function<ExpertId, Entry> entries;
    private final Predicate<ExpertId> unheld;
    private final EntryQueue expired = new EntryQueue();
    private final EntryQueue cued = new EntryQueue();
    private final int maxCued;

    /**
     * @param policy of an empty cache
     * @param entries finds an expert's entry
     * @param maxCued most experts kept for hints alone
     */
    ResidentSet(EvictionPolicy policy, Function<ExpertId, Entry> entries, int maxCued) {
        this.policy = policy;
        this.entries = entries;
        this.maxCued = maxCued;
        this.unheld = id -> entries.apply(id).holds == 0;
    }

    /** The number of slots changed. */
    void resize(int slots) {
        policy.resize(slots);
    }

    /** What a router said about a layer that is about to be visited. */
    void observed(int layer, float[] scores) {
        policy.observed(layer, scores);
    }

    /** How often the experts of a layer will be used, as far as that is known. */
    void expected(int layer, float[] shares) {
        policy.expected(layer, shares);
    }

    boolean usesScores() {
        return policy.usesScores();
    }

    /** A visit begins: guesses for this layer that it does not ask for are given up. */
    void visiting(int layer, int[] experts) {
        policy.visiting(layer, experts);
    }

    /** Notes that a visit asked for a resident expert. */
    void use(Entry entry) {
        switch (entry.place) {
            case KEPT -> policy.used(entry.id);
            case CUED -> {
                cued.remove(entry);
                keep(entry);
            }
            case EXPIRED -> {
                expired.remove(entry);
                keep(entry);
            }
            default -> throw new AssertionError(entry.id + " is " + entry.place);
        }
    }

    /** Adds an expert that was read because it is wanted; this is its first use. */
    void keep(Entry entry) {
        entry.place = Place.KEPT;
        policy.admitted(entry.id);
    }

    /** Adds an expert that was read because of a hint. */
    void cue(Entry entry) {
        entry.place = Place.CUED;
        cued.addLast(entry);
        Entry oldest = cued.first();
        if (cued.size() > maxCued && oldest != null) {
            expire(oldest);
        }
    }

    /** Gives up guesses for a layer that is being visited and did not ask for them. */
    void expireCues(int layer) {
        Entry entry = cued.first();
        while (entry != null) {
            Entry next = entry.next;
            if (entry.id.layer() == layer) {
                expire(entry);
            }
            entry = next;
        }
    }

    /** Removes and returns an unheld expert whose slot a guess may take, if there is one. */
    @Nullable Entry takeSpare() {
        Entry entry = expired.firstUnheld();
        return remove(entry != null ? entry : entry(policy.spare(unheld)));
    }

    /** Removes and returns an unheld expert that the policy gives up unasked, if there is one. */
    @Nullable Entry takeUnwanted() {
        return remove(entry(policy.unwanted(unheld)));
    }

    /**
     * Removes and returns the unheld expert worth least: a guess that has expired, else whom the
     * policy names, else the oldest guess. Null if all are held.
     */
    @Nullable Entry takeWorst() {
        Entry entry = expired.firstUnheld();
        if (entry == null) {
            entry = entry(policy.victim(unheld));
        }
        return remove(entry != null ? entry : cued.firstUnheld());
    }

    /** Forgets a resident, and returns it. */
    @Nullable Entry remove(@Nullable Entry entry) {
        if (entry != null) {
            switch (entry.place) {
                case KEPT -> policy.evicted(entry.id);
                case CUED -> cued.remove(entry);
                case EXPIRED -> expired.remove(entry);
                default -> throw new AssertionError(entry.id + " is " + entry.place);
            }
        }
        return entry;
    }

    int kept() {
        return policy.size();
    }

    int expired() {
        return expired.size();
    }

    int cued() {
        return cued.size();
    }

    private @Nullable Entry entry(@Nullable ExpertId id) {
        return id == null ? null : entries.apply(id);
    }

    private void expire(Entry entry) {
        cued.remove(entry);
        entry.place = Place.EXPIRED;
        expired.addFirst(entry); // the latest one is the least likely to be asked for soon
    }
}
