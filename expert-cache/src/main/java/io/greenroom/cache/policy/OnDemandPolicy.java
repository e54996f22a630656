package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Keeps nothing: whatever a visit brought in is given up before the next. For comparison. */
final class OnDemandPolicy extends IndexedPolicy {

    private final IndexList order; // oldest first

    OnDemandPolicy(Scope scope, int slots) {
        super(scope, slots);
        order = new IndexList(new IndexList.Links(scope.total()));
    }

    @Override
    void admit(int expert) {
        order.addLast(expert);
    }

    @Override
    void use(int expert) {}

    @Override
    void evict(int expert) {
        order.remove(expert);
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        return firstEvictable(order, evictable);
    }

    @Override
    public @Nullable ExpertId unwanted(Predicate<ExpertId> evictable) {
        return victim(evictable);
    }
}
