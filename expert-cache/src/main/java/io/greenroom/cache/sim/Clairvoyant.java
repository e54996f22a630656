package io.greenroom.cache.sim;

import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.Arrays;
import java.util.PriorityQueue;

/**
 * The most hits any cache without prefetch can have that knows the future (Belady, "A study of
 * replacement algorithms for a virtual-storage computer", 1966).
 *
 * <p>The experts of one visit are asked for at once: those resident when it begins are hits. After
 * it, the cache may hold any of what it held and of what the visit read, as many as there are
 * slots; the clairvoyant keeps those whose layers ask for them again soonest. It may even pass an
 * expert through without keeping it in a slot, so no cache of that many slots can do better,
 * whatever the order in which it reads and evicts. Prefetch can: it turns misses into hits without
 * saving bytes.
 */
public final class Clairvoyant {

    private static final int NEVER = Integer.MAX_VALUE;

    private final RoutingSequence sequence;
    private final int[][] nextUse; // [visits][experts of the visit]: number of the visit, or NEVER

    /**
     * The hits of a bound.
     *
     * @param hits of all steps
     * @param decodeHits of the steps without rows of a prompt
     * @param bytesLoaded bytes of the experts that were no hits
     */
    public record Bound(long hits, long decodeHits, long bytesLoaded) {}

    /** Looks through the whole sequence once. */
    public Clairvoyant(RoutingSequence sequence) {
        this.sequence = sequence;
        int experts = sequence.shape().experts();
        int[] next = new int[sequence.shape().total()];
        Arrays.fill(next, NEVER);
        nextUse = new int[sequence.visits().size()][];
        for (int number = nextUse.length - 1; number >= 0; number--) {
            Visit visit = sequence.visits().get(number);
            int[] uses = new int[visit.experts().length];
            for (int i = 0; i < uses.length; i++) {
                int e = visit.layer() * experts + visit.experts()[i];
                uses[i] = next[e];
                next[e] = number;
            }
            nextUse[number] = uses;
        }
    }

    /** The bound for a number of slots. */
    public Bound bound(int slots) {
        int experts = sequence.shape().experts();
        int[] resident = new int[sequence.shape().total()]; // next use; 0 if absent
        // Farthest use first. An entry of the past is stale: its expert was used, or has left.
        PriorityQueue<Long> farthest = new PriorityQueue<>((a, b) -> Long.compare(b, a));
        int size = 0;
        long hits = 0;
        long decodeHits = 0;
        long bytes = 0;
        for (int number = 0; number < nextUse.length; number++) {
            Visit visit = sequence.visits().get(number);
            for (int i = 0; i < visit.experts().length; i++) {
                int e = visit.layer() * experts + visit.experts()[i];
                if (resident[e] != 0) {
                    hits++;
                    decodeHits += visit.decode() ? 1 : 0;
                    resident[e] = 0;
                    size--;
                } else {
                    bytes += sequence.expertBytes()[visit.layer()];
                }
                int next = nextUse[number][i];
                if (next != NEVER) {
                    resident[e] = next;
                    farthest.add((long) next << 32 | e);
                    size++;
                }
            }
            while (size > slots) {
                long top = farthest.remove();
                int e = (int) top;
                if (resident[e] == (int) (top >>> 32)) {
                    resident[e] = 0;
                    size--;
                }
            }
        }
        return new Bound(hits, decodeHits, bytes);
    }
}
