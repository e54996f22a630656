package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.Arrays;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The expert whose next use is expected last leaves: Belady's rule with a forecast in place of the
 * future. The forecast of each layer is {@link LayerReuse}; what it says counts the less, the
 * longer the walk through the layers takes to come back to that layer.
 */
final class ReusePolicy extends IndexedPolicy {

    /*
     * Forecasts of a layer change when it is visited, and at no other time. So each layer remembers
     * its least valuable resident, and a victim is found by looking at one expert of each layer,
     * and through the experts of one or two.
     */
    private static final int UNKNOWN = -2;

    private static final int NONE = -1;

    private final ReuseForecasts forecasts;
    private final boolean teaches;
    private final float[] ahead; // [layers + 1]: worth of a use that many layers from now
    private final int[] least; // [layers]: least valuable resident, NONE or UNKNOWN
    private final int[] candidates; // [layers]: the same among those that may leave
    private final float[] scores; // [experts], of the visit to come
    private int scored = NONE; // the layer the scores are of
    private int current; // the layer visited

    /**
     * @param teaches whether visits told to this policy teach the forecasts; of policies that share
     *     them it is the one that is told first
     */
    ReusePolicy(Scope scope, int slots, ReuseForecasts forecasts, boolean teaches) {
        super(scope, slots);
        this.forecasts = forecasts;
        this.teaches = teaches;
        ahead = new float[scope.layers() + 1];
        for (int distance = 0; distance < ahead.length; distance++) {
            ahead[distance] =
                    (float) Math.pow(ReuseModel.DISCOUNT, (double) distance / scope.layers());
        }
        least = new int[scope.layers()];
        Arrays.fill(least, NONE);
        candidates = new int[scope.layers()];
        scores = new float[scope.experts()];
    }

    @Override
    public void observed(int layer, float[] probabilities) {
        if (teaches) {
            System.arraycopy(probabilities, 0, scores, 0, scores.length);
            scored = layer - scope.firstLayer();
        }
    }

    @Override
    public void expected(int layer, float[] shares) {
        int within = layer - scope.firstLayer();
        if (teaches) {
            forecasts.layer(within).expected(shares);
        }
        least[within] = UNKNOWN;
    }

    @Override
    public boolean usesScores() {
        return true;
    }

    @Override
    public void visiting(int layer, int[] experts) {
        current = layer - scope.firstLayer();
        if (experts.length > 0) {
            if (teaches) {
                forecasts.layer(current).visited(experts, scored == current ? scores : null);
            }
            least[current] = UNKNOWN;
        }
        scored = NONE;
    }

    @Override
    void admit(int expert) {
        int layer = scope.layerOf(expert);
        int known = least[layer];
        if (known == NONE || (known != UNKNOWN && value(expert) < value(known))) {
            least[layer] = expert;
        }
    }

    @Override
    void use(int expert) {}

    @Override
    void evict(int expert) {
        int layer = scope.layerOf(expert);
        if (least[layer] == expert) {
            least[layer] = UNKNOWN;
        }
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        for (int layer = 0; layer < least.length; layer++) {
            if (least[layer] == UNKNOWN) {
                least[layer] = leastOf(layer, null);
            }
            candidates[layer] = least[layer];
        }
        while (true) {
            int expert = leastOfAll();
            if (expert == NONE) {
                return null;
            }
            ExpertId id = id(expert);
            if (evictable.test(id)) {
                return id;
            }
            int layer = scope.layerOf(expert);
            candidates[layer] = leastOf(layer, evictable);
        }
    }

    private int leastOfAll() {
        int best = NONE;
        float bestWorth = Float.POSITIVE_INFINITY;
        for (int layer = 0; layer < candidates.length; layer++) {
            int expert = candidates[layer];
            if (expert != NONE) {
                int distance = layer > current ? layer - current : layer - current + least.length;
                float worth = value(expert) * ahead[distance];
                if (worth < bestWorth) {
                    best = expert;
                    bestWorth = worth;
                }
            }
        }
        return best;
    }

    private int leastOf(int layer, @Nullable Predicate<ExpertId> evictable) {
        int best = NONE;
        int first = layer * scope.experts();
        for (int expert = first; expert < first + scope.experts(); expert++) {
            if (isResident(expert)
                    && (best == NONE || value(expert) < value(best))
                    && (evictable == null || evictable.test(id(expert)))) {
                best = expert;
            }
        }
        return best;
    }

    private float value(int expert) {
        int layer = scope.layerOf(expert);
        return forecasts.layer(layer).value(expert - layer * scope.experts());
    }
}
