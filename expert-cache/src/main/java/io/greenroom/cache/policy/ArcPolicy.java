package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The adaptive replacement cache (Megiddo and Modha, "ARC: A Self-Tuning, Low Overhead Replacement
 * Cache", 2003): residents used once and residents used more often, each in order of use, with
 * ghosts of those that left; a ghost asked for says which of the two should be larger.
 *
 * <p>The paper adapts, evicts and admits in one step. Here a visit asks for several experts at
 * once: their ghosts are looked at when it begins, evictions follow, and they are admitted when
 * they have arrived.
 */
final class ArcPolicy extends IndexedPolicy {

    // The paper's T1, T2, B1 and B2; longest unused first.
    private final IndexList once;
    private final IndexList often;
    private final IndexList onceGhosts;
    private final IndexList oftenGhosts;

    /** The paper's p: how many residents used once are wanted. */
    private double target;

    ArcPolicy(Scope scope, int slots) {
        super(scope, slots);
        IndexList.Links links = new IndexList.Links(scope.total());
        once = new IndexList(links);
        often = new IndexList(links);
        onceGhosts = new IndexList(links);
        oftenGhosts = new IndexList(links);
    }

    @Override
    public void visiting(int layer, int[] experts) {
        int first = (layer - scope.firstLayer()) * scope.experts();
        for (int expert : experts) {
            adapt(first + expert);
        }
    }

    @Override
    void admit(int expert) {
        if (onceGhosts.contains(expert)) {
            onceGhosts.remove(expert);
            often.addLast(expert);
        } else if (oftenGhosts.contains(expert)) {
            oftenGhosts.remove(expert);
            often.addLast(expert);
        } else {
            once.addLast(expert);
        }
        trim();
    }

    @Override
    void use(int expert) {
        (once.contains(expert) ? once : often).remove(expert);
        often.addLast(expert);
    }

    @Override
    void evict(int expert) {
        if (once.contains(expert)) {
            once.remove(expert);
            onceGhosts.addLast(expert);
        } else {
            often.remove(expert);
            oftenGhosts.addLast(expert);
        }
        trim();
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        boolean fromOnce = once.size() > 0 && once.size() > target;
        ExpertId id = firstEvictable(fromOnce ? once : often, evictable);
        return id != null ? id : firstEvictable(fromOnce ? often : once, evictable);
    }

    @Override
    public void resize(int slots) {
        super.resize(slots);
        target = Math.min(target, slots);
        trim();
    }

    private void adapt(int expert) {
        double ratio = (double) oftenGhosts.size() / Math.max(1, onceGhosts.size());
        if (onceGhosts.contains(expert)) {
            target = Math.min(slots(), target + Math.max(1, ratio));
        } else if (oftenGhosts.contains(expert)) {
            target = Math.max(0, target - Math.max(1, 1 / ratio));
        }
    }

    /** Forgets the oldest ghosts: there are at most as many as slots, in each half of the list. */
    private void trim() {
        while (onceGhosts.size() > 0 && once.size() + onceGhosts.size() > slots()) {
            onceGhosts.remove(onceGhosts.first());
        }
        while (oftenGhosts.size() > 0
                && once.size() + often.size() + onceGhosts.size() + oftenGhosts.size()
                        > 2 * slots()) {
            oftenGhosts.remove(oftenGhosts.first());
        }
    }
}
