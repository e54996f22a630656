package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which resident expert leaves when a slot is needed. The live cache and the simulator drive the
 * same objects.
 *
 * <p>The owner tells what happens, in this order for one visit: {@link #observed} if it knows the
 * router's probabilities, {@link #visiting}, then {@link #used} for the experts that are resident
 * and, as far as slots are needed, {@link #victim} and {@link #evicted}, and {@link #admitted} for
 * each missing expert once it has arrived. A policy has no say in what is brought in, and keeps
 * every expert that was admitted and not evicted.
 *
 * <p>An expert that a hint brought in is not shown to the policy before a visit asks for it; then
 * it is {@link #admitted}.
 *
 * <p>Not thread-safe: the owner's lock guards it. No call blocks or allocates in proportion to the
 * slots.
 */
public interface EvictionPolicy {

    /**
     * An expert became resident because a visit asked for it; this counts as its first use.
     *
     * @throws IllegalStateException if it was resident already
     */
    void admitted(ExpertId id);

    /**
     * A visit asked for a resident expert.
     *
     * @throws IllegalStateException if it is not resident
     */
    void used(ExpertId id);

    /**
     * The owner took a resident expert's slot, whether this policy named it or not.
     *
     * @throws IllegalStateException if it is not resident
     */
    void evicted(ExpertId id);

    /**
     * A visit begins: the walk through the layers goes on.
     *
     * @param layer the layer visited
     * @param experts the distinct experts asked for, by popularity; not changed and not kept
     */
    default void visiting(int layer, int[] experts) {}

    /**
     * What the router of a layer said about the rows of the coming visit.
     *
     * @param scores router probabilities summed over the rows, {@code [experts]}; those of experts
     *     that are not known are 0; not changed and not kept
     */
    default void observed(int layer, float[] scores) {}

    /**
     * How often each expert of a layer will be used, as far as that is known before the first
     * visit.
     *
     * @param shares part of the visits that will use it, from 0 to 1, {@code [experts]}; not kept
     */
    default void expected(int layer, float[] shares) {}

    /** Whether {@link #observed} makes a difference: the owner need not find out otherwise. */
    default boolean usesScores() {
        return false;
    }

    /**
     * The expert worth least among the residents that may leave, or null if there is none. Naming
     * it changes nothing: it stays resident until {@link #evicted}.
     *
     * @param evictable whether a resident may leave: nobody holds it
     */
    @Nullable ExpertId victim(Predicate<ExpertId> evictable);

    /**
     * The expert whose slot a guess may take, or null if all are worth more than a guess. At most a
     * small share of the slots is given to guesses this way.
     *
     * @param evictable as for {@link #victim}
     */
    @Nullable ExpertId spare(Predicate<ExpertId> evictable);

    /**
     * A resident that is to leave although nobody needs its slot, or null, as a rule. The owner
     * asks before each visit, and evicts, until none is left.
     *
     * @param evictable as for {@link #victim}
     */
    default @Nullable ExpertId unwanted(Predicate<ExpertId> evictable) {
        return null;
    }

    /**
     * The budget changed. Residents stay; if there are more than slots, the owner asks for victims.
     *
     * @param slots at least 1
     */
    void resize(int slots);

    /** Residents the policy knows of. */
    int size();
}
