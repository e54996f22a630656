package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The expert used least often leaves, of equals the one used longest ago. All uses count, also
 * those before an eviction; counts age by being halved from time to time (Arlitt et al.,
 * "Evaluating Content Management Techniques for Web Proxy Caches", 2000, discuss why ageing is
 * needed).
 */
final class LfuPolicy extends IndexedPolicy {

    /*
     * Counts are halved after this many uses for each expert on average: every 64 tokens of a model
     * that routes to an eighth of its experts. On traces of the demo model half-lives of 16 to 64
     * tokens were best.
     */
    private static final int USES_PER_EXPERT = 8;

    private static final int MOST = 255;

    private final int[] counts; // [total]
    private final IndexList[] byCount; // residents by count, longest unused first
    private final IndexList aged; // scratch
    private long uses;

    LfuPolicy(Scope scope, int slots) {
        super(scope, slots);
        counts = new int[scope.total()];
        IndexList.Links links = new IndexList.Links(scope.total());
        byCount = new IndexList[MOST + 1];
        for (int count = 0; count <= MOST; count++) {
            byCount[count] = new IndexList(links);
        }
        aged = new IndexList(links);
    }

    @Override
    void admit(int expert) {
        count(expert);
        byCount[counts[expert]].addLast(expert);
    }

    @Override
    void use(int expert) {
        byCount[counts[expert]].remove(expert);
        count(expert);
        byCount[counts[expert]].addLast(expert);
    }

    @Override
    void evict(int expert) {
        byCount[counts[expert]].remove(expert);
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        for (IndexList list : byCount) {
            ExpertId id = firstEvictable(list, evictable);
            if (id != null) {
                return id;
            }
        }
        return null;
    }

    private void count(int expert) {
        if (++uses == (long) USES_PER_EXPERT * counts.length) {
            age();
            uses = 0;
        }
        counts[expert] = Math.min(MOST, counts[expert] + 1);
    }

    /** Halves all counts. Of experts that become equal, those counted less come first. */
    private void age() {
        for (IndexList list : byCount) {
            for (int e = list.first(); e != IndexList.NONE; e = list.first()) {
                list.remove(e);
                aged.addLast(e);
            }
        }
        for (int expert = 0; expert < counts.length; expert++) {
            counts[expert] >>= 1;
        }
        for (int e = aged.first(); e != IndexList.NONE; e = aged.first()) {
            aged.remove(e);
            byCount[counts[e]].addLast(e);
        }
    }
}
