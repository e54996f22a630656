package io.greenroom.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import io.greenroom.cache.Entry.Place;
import org.jspecify.annotations.Nullable;

/**
 * Who leaves when a slot is needed. Guarded by the cache's lock.
 *
 * <p>Residents are in one of three places. Those that visits used are <em>kept</em> by Caffeine,
 * whose W-TinyLFU policy weighs how often and how lately each was used. Those Caffeine has evicted
 * are <em>leaving</em>: their bytes stay, and serve, until another expert takes the slot, oldest
 * first. Those that a hint brought in are <em>cued</em> until a visit asks for them or their layer
 * has passed.
 */
final class ResidentSet {

    /*
     * Why Caffeine does not own the slots.
     *
     * Caffeine's maximum is kept eventually, its evictions cannot be refused (a leased expert would
     * have to survive its own eviction), and it decides after an expert has been brought in, whereas
     * a slot is needed before the first byte is read. So the slots are the bound (SlotPool), and
     * Caffeine only gives opinions:
     *
     * - Its maximum is a little below the number of slots. The difference, "transit", is the room in
     *   which reads take place: Caffeine evicts when an expert is added, the one evicted (often the
     *   newcomer itself: that is TinyLFU's admission filter) waits in the queue of those leaving,
     *   and the next read takes its slot. An expert asked for again while leaving is simply added
     *   again; nothing is read.
     * - When more slots are needed at once than are leaving, Caffeine is asked for its coldest
     *   expert that nobody holds, and told to forget it.
     * - Changing the maximum before each read (Policy.Eviction.setMaximum) would also make room, but
     *   every call throws away the sample by which Caffeine adapts the sizes of its regions.
     * - A hint is not a use: an expert enters Caffeine when a visit asks for it. Otherwise guesses
     *   would push used experts out and count twice when they prove right.
     *
     * Maintenance runs in the calling thread, so there is no thread, no delay and no surprise.
     * Caffeine notes reads in a ring of 16 and forgets what does not fit: we drain it in time.
     */
    private static final int READ_BUFFER = 16;

    private final Cache<ExpertId, Entry> kept;
    private final Policy.Eviction<ExpertId, Entry> order;
    private final EntryQueue leaving = new EntryQueue();
    private final EntryQueue cued = new EntryQueue();
    private final int maxCued;
    private int unnotedReads;

    /**
     * @param slots slots of the cache
     * @param transit slots beyond Caffeine's maximum; less than {@code slots}
     * @param maxCued most experts kept for hints alone
     */
    ResidentSet(int slots, int transit, int maxCued) {
        this.maxCued = maxCued;
        kept =
                Caffeine.newBuilder()
                        .maximumSize((long) slots - transit)
                        .initialCapacity(slots)
                        .executor(Runnable::run)
                        .<ExpertId, Entry>evictionListener(
                                (id, entry, cause) -> {
                                    if (entry != null) {
                                        leave(entry);
                                    }
                                })
                        .build();
        order = kept.policy().eviction().orElseThrow();
    }

    /** Notes that a visit asked for a resident expert. */
    void use(Entry entry) {
        switch (entry.place) {
            case KEPT -> {
                var unused = kept.getIfPresent(entry.id);
                if (++unnotedReads == READ_BUFFER) {
                    kept.cleanUp();
                    unnotedReads = 0;
                }
            }
            case LEAVING -> {
                leaving.remove(entry);
                keep(entry);
            }
            case CUED -> {
                cued.remove(entry);
                keep(entry);
            }
            default -> throw new AssertionError(entry.id + " is " + entry.place);
        }
    }

    /** Adds an expert that was read because a visit asked for it; this is its first use. */
    void keep(Entry entry) {
        entry.place = Place.KEPT;
        kept.put(entry.id, entry);
        kept.cleanUp();
        unnotedReads = 0;
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

    /** Removes and returns an unheld expert that was given up already, if there is one. */
    @Nullable Entry takeLeaving() {
        Entry entry = leaving.firstUnheld();
        if (entry != null) {
            leaving.remove(entry);
        }
        return entry;
    }

    /**
     * Removes and returns the unheld expert worth least: one given up already, else the coldest of
     * those kept, else the oldest guess. Null if all are held.
     */
    @Nullable Entry takeWorst() {
        Entry entry = takeLeaving();
        if (entry != null) {
            return entry;
        }
        entry = coldestUnheld();
        if (entry != null) {
            kept.invalidate(entry.id);
            return entry;
        }
        entry = cued.firstUnheld();
        if (entry != null) {
            cued.remove(entry);
        }
        return entry;
    }

    /** How many experts are in each place, in the order kept, leaving, cued. For tests. */
    int[] sizes() {
        return new int[] {kept.asMap().size(), leaving.size(), cued.size()};
    }

    long keptMaximum() {
        return order.getMaximum();
    }

    void clear() {
        kept.invalidateAll();
    }

    private @Nullable Entry coldestUnheld() {
        return order.<@Nullable Entry>coldest(
                entries ->
                        entries.map(Policy.CacheEntry::getValue)
                                .filter(entry -> entry.holds == 0)
                                .findFirst()
                                .orElse(null));
    }

    private void expire(Entry entry) {
        cued.remove(entry);
        entry.place = Place.LEAVING;
        leaving.addFirst(entry); // a wrong guess goes before an expert that was used
    }

    private void leave(Entry entry) {
        entry.place = Place.LEAVING;
        leaving.addLast(entry);
    }
}
