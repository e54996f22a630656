package io.greenroom.cache.policy;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import io.greenroom.cache.ExpertId;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * W-TinyLFU (Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy",
 * 2017), by Caffeine itself. Experts that visits used are <em>kept</em> by Caffeine; those it has
 * evicted are <em>leaving</em>: they stay and serve until another expert takes the slot, oldest
 * first.
 */
final class TinyLfuPolicy extends IndexedPolicy {

    /*
     * Why Caffeine does not own the slots.
     *
     * Caffeine's maximum is kept eventually, its evictions cannot be refused (a leased expert would
     * have to survive its own eviction), and it decides after an expert has been brought in, whereas
     * a slot is needed before the first byte is read. So the slots are the owner's bound, and
     * Caffeine only gives opinions:
     *
     * - Its maximum is a little below the number of slots. The difference, "transit", is the room in
     *   which reads take place: Caffeine evicts when an expert is added, the one evicted (often the
     *   newcomer itself: that is TinyLFU's admission filter) waits in the queue of those leaving,
     *   and the next read takes its slot. An expert asked for again while leaving is simply added
     *   again; nothing is read. With one slot in 16 there are fewer misses than with one in 4 by up
     *   to four points below 2T (what two tokens demand) and about as many above; without any, a
     *   cache below T hits nothing.
     * - When more slots are needed at once than are leaving, Caffeine is asked for its coldest
     *   expert that may leave, and told to forget it.
     * - Changing the maximum before each read (Policy.Eviction.setMaximum) would also make room, but
     *   every call throws away the sample by which Caffeine adapts the sizes of its regions.
     *
     * Maintenance runs in the calling thread, so there is no thread, no delay and no surprise.
     * Caffeine notes reads in a ring of 16 and forgets what does not fit: we drain it in time.
     */
    private static final int READ_BUFFER = 16;

    private final Cache<ExpertId, ExpertId> kept;
    private final Policy.Eviction<ExpertId, ExpertId> order;
    private final IndexList leaving;
    private int unnotedReads;

    TinyLfuPolicy(Scope scope, int slots) {
        super(scope, slots);
        leaving = new IndexList(new IndexList.Links(scope.total()));
        kept =
                Caffeine.newBuilder()
                        .maximumSize((long) slots - transit(scope.shape(), slots))
                        .initialCapacity(slots)
                        .executor(Runnable::run)
                        .<ExpertId, ExpertId>evictionListener(
                                (id, same, cause) -> {
                                    if (id != null) {
                                        leaving.addLast(scope.index(id));
                                    }
                                })
                        .build();
        order = kept.policy().eviction().orElseThrow();
    }

    @Override
    void admit(int expert) {
        keep(expert);
    }

    @Override
    void use(int expert) {
        if (leaving.contains(expert)) {
            leaving.remove(expert);
            keep(expert);
            return;
        }
        var unused = kept.getIfPresent(id(expert));
        if (++unnotedReads == READ_BUFFER) {
            kept.cleanUp();
            unnotedReads = 0;
        }
    }

    @Override
    void evict(int expert) {
        if (leaving.contains(expert)) {
            leaving.remove(expert);
        } else {
            kept.invalidate(id(expert));
        }
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        ExpertId given = firstEvictable(leaving, evictable);
        return given != null ? given : coldest(evictable);
    }

    @Override
    public @Nullable ExpertId spare(Predicate<ExpertId> evictable) {
        return firstEvictable(leaving, evictable);
    }

    @Override
    public void resize(int slots) {
        super.resize(slots);
        order.setMaximum((long) slots - transit(scope.shape(), slots));
        kept.cleanUp();
        unnotedReads = 0;
    }

    private void keep(int expert) {
        ExpertId id = id(expert);
        kept.put(id, id);
        kept.cleanUp();
        unnotedReads = 0;
    }

    private @Nullable ExpertId coldest(Predicate<ExpertId> evictable) {
        return order.<@Nullable ExpertId>coldest(
                entries ->
                        entries.map(Map.Entry::getKey).filter(evictable).findFirst().orElse(null));
    }
}
