package io.greenroom.cache.sim;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.EvictionPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Who is in the slots, as in the live cache: experts that visits used are with the policy, those a
 * guess brought in are cued until asked for, and have expired once their layer has passed. Experts
 * are numbers: {@code layer * experts + expert}.
 */
final class SimulatedSlots {

    private enum Place {
        ABSENT,
        LOADING,
        KEPT,
        CUED,
        EXPIRED
    }

    private final EvictionPolicy policy;
    private final CacheShape shape;
    private final int slots;
    private final int maxCued;
    private final ExpertId[] ids; // [total]
    private final Place[] places; // [total]
    private final boolean[] held; // [total]
    private final Predicate<ExpertId> unheld;
    private final List<Integer> cued = new ArrayList<>(); // oldest first
    private final List<Integer> expired = new ArrayList<>(); // latest first
    private int free;
    private int loading;
    private int heldCount;
    private long evictions;
    private long wasted;

    SimulatedSlots(EvictionPolicy policy, CacheShape shape, int slots, int maxCued) {
        this.policy = policy;
        this.shape = shape;
        this.slots = slots;
        this.maxCued = maxCued;
        free = slots;
        boolean[] nobody = new boolean[shape.total()];
        held = nobody;
        unheld = id -> !nobody[id.layer() * shape.experts() + id.expert()];
        ids = new ExpertId[shape.total()];
        places = new Place[shape.total()];
        for (int e = 0; e < ids.length; e++) {
            ids[e] = new ExpertId(e / shape.experts(), e % shape.experts());
            places[e] = Place.ABSENT;
        }
    }

    boolean isResident(int e) {
        return places[e] != Place.ABSENT && places[e] != Place.LOADING;
    }

    boolean isAbsent(int e) {
        return places[e] == Place.ABSENT;
    }

    /** Slots that are free or whose experts may leave. */
    int headroom() {
        return slots - loading - heldCount;
    }

    long evictions() {
        return evictions;
    }

    /** Guesses that left without having been asked for. */
    long wasted() {
        return wasted;
    }

    /** A visit asks for a resident and holds it; says whether it was a guess that proved right. */
    boolean use(int e) {
        Place before = places[e];
        if (before == Place.KEPT) {
            policy.used(ids[e]);
        } else {
            (before == Place.CUED ? cued : expired).remove((Integer) e);
            places[e] = Place.KEPT;
            policy.admitted(ids[e]);
        }
        hold(e);
        return before != Place.KEPT;
    }

    void release(int e) {
        held[e] = false;
        heldCount--;
    }

    /** Takes a slot for a read that a visit waits for; false if none can be had. */
    boolean takeForDemand(int e) {
        if (free == 0 && !evictWorst()) {
            return false;
        }
        load(e);
        return true;
    }

    /** Takes a slot for a guess; false if all hold experts worth more. */
    boolean takeForGuess(int e) {
        if (free == 0) {
            Integer spare = firstUnheld(expired);
            if (spare == null) {
                spare = number(policy.spare(unheld));
            }
            if (spare == null) {
                return false;
            }
            evict(spare);
        }
        load(e);
        return true;
    }

    /** What a visit waited for has arrived, and is held. */
    void keep(int e) {
        loading--;
        places[e] = Place.KEPT;
        policy.admitted(ids[e]);
        hold(e);
    }

    /** A guess has arrived. */
    void cue(int e) {
        loading--;
        places[e] = Place.CUED;
        cued.add(e);
        if (cued.size() > maxCued) {
            expire(cued.remove(0));
        }
    }

    /** A read is not wanted any more. */
    void giveUp(int e) {
        loading--;
        places[e] = Place.ABSENT;
        free++;
    }

    /** A layer is visited: guesses for it that were not asked for have expired. */
    void expireGuesses(int layer) {
        for (int i = 0; i < cued.size(); ) {
            if (cued.get(i) / shape.experts() == layer) {
                expire(cued.remove(i));
            } else {
                i++;
            }
        }
    }

    /** Evicts what the policy does not want, before a visit. */
    void evictUnwanted() {
        for (Integer e = number(policy.unwanted(unheld));
                e != null;
                e = number(policy.unwanted(unheld))) {
            evict(e);
        }
    }

    private boolean evictWorst() {
        Integer worst = firstUnheld(expired);
        if (worst == null) {
            worst = number(policy.victim(unheld));
        }
        if (worst == null) {
            worst = firstUnheld(cued);
        }
        if (worst == null) {
            return false;
        }
        evict(worst);
        return true;
    }

    private void evict(int e) {
        switch (places[e]) {
            case KEPT -> policy.evicted(ids[e]);
            case CUED -> wasted += cued.remove((Integer) e) ? 1 : 0;
            case EXPIRED -> wasted += expired.remove((Integer) e) ? 1 : 0;
            default -> throw new AssertionError(ids[e] + " is " + places[e]);
        }
        places[e] = Place.ABSENT;
        evictions++;
        free++;
    }

    private void load(int e) {
        places[e] = Place.LOADING;
        loading++;
        free--;
    }

    private void expire(int e) {
        places[e] = Place.EXPIRED;
        expired.add(0, e);
    }

    private void hold(int e) {
        held[e] = true;
        heldCount++;
    }

    private @Nullable Integer firstUnheld(List<Integer> list) {
        for (Integer e : list) {
            if (!held[e]) {
                return e;
            }
        }
        return null;
    }

    private @Nullable Integer number(@Nullable ExpertId id) {
        return id == null ? null : (Integer) (id.layer() * shape.experts() + id.expert());
    }
}
