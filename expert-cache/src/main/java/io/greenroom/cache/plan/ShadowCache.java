package io.greenroom.cache.plan;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.policy.EvictionPolicy;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A cache without bytes: it follows visits as the live cache does, with the very policy the live
 * cache has, and tells only what would have been missing. Reads end at once. Not thread-safe.
 */
public final class ShadowCache {

    private final EvictionPolicy policy;
    private final int experts;
    private final int slots;
    private final int depth;
    private final ExpertId[] ids; // [layers * experts]
    private final boolean[] resident; // [layers * experts]
    private final long[] heldBy; // [layers * experts] the last visit that needs it
    private final int[] missing; // [experts] those of the visit under way
    private final Predicate<ExpertId> unheld;
    private int used; // slots
    private long visit;

    /**
     * @param policy of an empty cache of so many slots
     * @param layers layers of the model
     * @param experts of each layer
     * @param depth reads that one visit may have under way at once
     */
    public ShadowCache(EvictionPolicy policy, int layers, int experts, int slots, int depth) {
        this.policy = policy;
        this.experts = experts;
        this.slots = slots;
        this.depth = depth;
        ids = new ExpertId[layers * experts];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = new ExpertId(i / experts, i % experts);
        }
        resident = new boolean[ids.length];
        heldBy = new long[ids.length];
        missing = new int[experts];
        unheld = id -> heldBy[index(id)] != visit;
    }

    int slots() {
        return slots;
    }

    /** Sets the bits of the experts of a layer that are resident, and no others. */
    public void residentsOf(int layer, BitSet into) {
        into.clear();
        for (int expert = 0; expert < experts; expert++) {
            into.set(expert, resident[layer * experts + expert]);
        }
    }

    /**
     * Visits experts of a layer.
     *
     * @param scores router probabilities summed over the rows, {@code [experts]}, or null
     * @return how many were not resident when the visit began
     */
    public int visit(int layer, int[] wanted, float @Nullable [] scores) {
        if (scores != null) {
            policy.observed(layer, scores);
        }
        prepare();
        policy.visiting(layer, wanted);
        int misses = 0;
        for (int expert : wanted) {
            int i = layer * experts + expert;
            if (resident[i]) {
                heldBy[i] = visit;
                policy.used(ids[i]);
            } else {
                missing[misses++] = i;
            }
        }
        int done = 0;
        while (done < misses) {
            int begun = begin(done, misses);
            if (begun == done) {
                visit++; // all that was held has been computed by now
            }
            for (int i = done; i < begun; i++) {
                int index = missing[i];
                resident[index] = true;
                heldBy[index] = visit;
                policy.admitted(ids[index]);
            }
            done = begun;
        }
        return misses;
    }

    /**
     * A visit of a sequence.
     *
     * @param layer to take it for
     * @param scratch {@code [experts]}, for the router's probabilities
     */
    int visit(int layer, Visit visit, float[] scratch) {
        if (visit.scored().length == 0) {
            return visit(layer, visit.experts(), null);
        }
        Arrays.fill(scratch, 0);
        for (int i = 0; i < visit.scored().length; i++) {
            scratch[visit.scored()[i]] = visit.scores()[i];
        }
        return visit(layer, visit.experts(), scratch);
    }

    /** Finds slots for the missing experts from one on; returns the first without one. */
    private int begin(int from, int misses) {
        int next = from;
        while (next < misses && next - from < depth && makeRoom()) {
            used++;
            next++;
        }
        return next;
    }

    private boolean makeRoom() {
        if (used < slots) {
            return true;
        }
        ExpertId victim = policy.victim(unheld);
        if (victim == null) {
            return false;
        }
        evict(victim);
        return true;
    }

    /** Lets go of the last visit's experts, and of those the policy does not want. */
    public void prepare() {
        visit++;
        evictUnwanted();
    }

    private void evictUnwanted() {
        for (ExpertId id = policy.unwanted(unheld); id != null; id = policy.unwanted(unheld)) {
            evict(id);
        }
    }

    private void evict(ExpertId id) {
        policy.evicted(id);
        resident[index(id)] = false;
        used--;
    }

    private int index(ExpertId id) {
        return id.layer() * experts + id.expert();
    }
}
