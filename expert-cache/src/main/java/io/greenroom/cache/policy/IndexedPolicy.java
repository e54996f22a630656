package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What policies share: experts as numbers, who is resident, and how many slots guesses may have.
 * Everything is in arrays made once, so that nothing is allocated while tokens are computed.
 */
abstract class IndexedPolicy implements EvictionPolicy {

    /*
     * One slot in 16 is room in which reads and guesses take place, at most as many as one visit can
     * use at once. A small cache needs more, or one token's misses would sweep out what is worth
     * keeping: with one slot in 16, W-TinyLFU hit nothing on 16 slots where one layer's visit takes 4
     * and one token 32. W-TinyLFU needs the room (see TinyLfuPolicy); the others give guesses the
     * same share, so that prefetch is compared on equal terms.
     */
    private static final int SLOTS_PER_TRANSIT = 16;

    final Scope scope;
    private final @Nullable ExpertId[] ids; // [total]; not null once seen
    private final boolean[] resident; // [total]
    private int slots;
    private int size;

    IndexedPolicy(Scope scope, int slots) {
        this.scope = scope;
        this.ids = new ExpertId[scope.total()];
        this.resident = new boolean[scope.total()];
        this.slots = checkSlots(slots);
    }

    /** Slots beyond those that hold experts worth keeping. */
    static int transit(CacheShape shape, int slots) {
        int mostInFlight = Math.max(16, 2 * shape.expertsPerToken());
        int forOneVisit = Math.min(shape.expertsPerToken(), slots / 4);
        int share = Math.max(slots / SLOTS_PER_TRANSIT, Math.max(1, forOneVisit));
        return Math.min(Math.min(mostInFlight, slots - 1), share);
    }

    @Override
    public final void admitted(ExpertId id) {
        int expert = scope.index(id);
        if (resident[expert]) {
            throw new IllegalStateException("Expert " + id + " is resident already");
        }
        ids[expert] = id;
        resident[expert] = true;
        size++;
        admit(expert);
    }

    @Override
    public final void used(ExpertId id) {
        use(checkResident(id));
    }

    @Override
    public final void evicted(ExpertId id) {
        int expert = checkResident(id);
        resident[expert] = false;
        size--;
        evict(expert);
    }

    @Override
    public @Nullable ExpertId spare(Predicate<ExpertId> evictable) {
        return size > slots - transit(scope.shape(), slots) ? victim(evictable) : null;
    }

    @Override
    public void resize(int newSlots) {
        slots = checkSlots(newSlots);
    }

    @Override
    public final int size() {
        return size;
    }

    /** A missing expert is now resident. */
    abstract void admit(int expert);

    /** A resident expert was asked for. */
    abstract void use(int expert);

    /** A resident expert is no longer. */
    abstract void evict(int expert);

    final int slots() {
        return slots;
    }

    final boolean isResident(int expert) {
        return resident[expert];
    }

    /** An expert that has been resident. */
    final ExpertId id(int expert) {
        ExpertId id = ids[expert];
        if (id == null) {
            throw new AssertionError("Expert " + expert + " was never admitted");
        }
        return id;
    }

    /** The first expert of a list that may leave, or null. */
    final @Nullable ExpertId firstEvictable(IndexList list, Predicate<ExpertId> evictable) {
        for (int e = list.first(); e != IndexList.NONE; e = list.after(e)) {
            ExpertId id = id(e);
            if (evictable.test(id)) {
                return id;
            }
        }
        return null;
    }

    private int checkResident(ExpertId id) {
        int expert = scope.index(id);
        if (!resident[expert]) {
            throw new IllegalStateException("Expert " + id + " is not resident");
        }
        return expert;
    }

    private static int checkSlots(int slots) {
        if (slots < 1) {
            throw new IllegalArgumentException("A policy needs at least 1 slot, got " + slots);
        }
        return slots;
    }
}
