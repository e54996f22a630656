package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The walk through the layers is a circle, so what was needed last will be needed again last: an
 * expert whose layer has just passed leaves first, of that layer the one used longest ago.
 */
final class LeastStalePolicy extends IndexedPolicy {

    private final IndexList[] order; // [layers], longest unused first
    private int current; // the layer visited

    LeastStalePolicy(Scope scope, int slots) {
        super(scope, slots);
        IndexList.Links links = new IndexList.Links(scope.total());
        order = new IndexList[scope.layers()];
        for (int layer = 0; layer < order.length; layer++) {
            order[layer] = new IndexList(links);
        }
    }

    @Override
    public void visiting(int layer, int[] experts) {
        current = layer - scope.firstLayer();
    }

    @Override
    void admit(int expert) {
        order[scope.layerOf(expert)].addLast(expert);
    }

    @Override
    void use(int expert) {
        evict(expert);
        admit(expert);
    }

    @Override
    void evict(int expert) {
        order[scope.layerOf(expert)].remove(expert);
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        for (int back = 0; back < order.length; back++) {
            int layer = current - back;
            ExpertId id =
                    firstEvictable(order[layer < 0 ? layer + order.length : layer], evictable);
            if (id != null) {
                return id;
            }
        }
        return null;
    }
}
