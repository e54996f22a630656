package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.Arrays;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A policy for each layer, each with a quota of the slots. Whoever needs a slot takes it from the
 * layer most above its quota, counting what the visit under way is still to bring in, and that
 * layer's own policy says which expert leaves. So no layer can crowd another out, and a layer may
 * still use slots that others leave empty.
 */
final class SplitPolicy extends IndexedPolicy {

    /** Makes the policy of one layer. */
    interface Inner {
        EvictionPolicy create(int layer, int slots);
    }

    private final EvictionPolicy[] policies; // [layers]
    private final LayerSplit split;
    private final boolean[] tried; // [layers]
    private int[] quotas; // [layers]
    private int current; // the layer visited
    private int expected; // experts the visit is still to bring in

    SplitPolicy(Scope scope, int slots, LayerSplit split, Inner inner) {
        super(scope, slots);
        if (split.layers() != scope.layers()) {
            throw new IllegalArgumentException(
                    "The slots are split between "
                            + split.layers()
                            + " layers, but the model has "
                            + scope.layers());
        }
        this.split = split;
        quotas = split.quotas(slots);
        policies = new EvictionPolicy[scope.layers()];
        tried = new boolean[scope.layers()];
        for (int layer = 0; layer < policies.length; layer++) {
            policies[layer] = inner.create(layer, Math.max(1, quotas[layer]));
        }
    }

    @Override
    public void visiting(int layer, int[] experts) {
        current = layer;
        expected = 0;
        for (int expert : experts) {
            if (!isResident(layer * scope.experts() + expert)) {
                expected++;
            }
        }
        policies[layer].visiting(layer, experts);
    }

    @Override
    public void observed(int layer, float[] scores) {
        policies[layer].observed(layer, scores);
    }

    @Override
    public void expected(int layer, float[] shares) {
        policies[layer].expected(layer, shares);
    }

    @Override
    public boolean usesScores() {
        return policies[0].usesScores();
    }

    @Override
    void admit(int expert) {
        int layer = scope.layerOf(expert);
        if (layer == current && expected > 0) {
            expected--;
        }
        policies[layer].admitted(id(expert));
    }

    @Override
    void use(int expert) {
        policies[scope.layerOf(expert)].used(id(expert));
    }

    @Override
    void evict(int expert) {
        policies[scope.layerOf(expert)].evicted(id(expert));
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        Arrays.fill(tried, false);
        for (int i = 0; i < policies.length; i++) {
            int layer = mostAboveQuota();
            if (layer < 0) {
                return null;
            }
            tried[layer] = true;
            ExpertId victim = policies[layer].victim(evictable);
            if (victim != null) {
                return victim;
            }
        }
        return null;
    }

    @Override
    public @Nullable ExpertId unwanted(Predicate<ExpertId> evictable) {
        for (EvictionPolicy policy : policies) {
            ExpertId id = policy.unwanted(evictable);
            if (id != null) {
                return id;
            }
        }
        return null;
    }

    @Override
    public void resize(int slots) {
        super.resize(slots);
        quotas = split.quotas(slots);
        for (int layer = 0; layer < policies.length; layer++) {
            policies[layer].resize(Math.max(1, quotas[layer]));
        }
    }

    /** Of layers equally far above, the one whose next visit is farthest; -1 if all were tried. */
    private int mostAboveQuota() {
        int best = -1;
        int bestExcess = 0;
        for (int back = 0; back < policies.length; back++) {
            int layer = current - back;
            layer += layer < 0 ? policies.length : 0;
            int resident = policies[layer].size();
            if (tried[layer] || resident == 0) {
                continue;
            }
            int excess = resident - quotas[layer] + (back == 0 ? expected : 0);
            if (best < 0 || excess > bestExcess) {
                best = layer;
                bestExcess = excess;
            }
        }
        return best;
    }
}
