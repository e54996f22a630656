package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The expert used longest ago leaves. */
final class LruPolicy extends IndexedPolicy {

    private final IndexList order; // longest unused first

    LruPolicy(Scope scope, int slots) {
        super(scope, slots);
        order = new IndexList(new IndexList.Links(scope.total()));
    }

    @Override
    void admit(int expert) {
        order.addLast(expert);
    }

    @Override
    void use(int expert) {
        order.remove(expert);
        order.addLast(expert);
    }

    @Override
    void evict(int expert) {
        order.remove(expert);
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        return firstEvictable(order, evictable);
    }
}
