package io.greenroom.cache.policy;

import org.jspecify.annotations.Nullable;

/**
 * The forecasts of several layers. They depend on the visits alone, not on who is resident, so
 * caches of several sizes that follow the same visits can share them.
 */
final class ReuseForecasts {

    private final Scope scope;
    private final ReuseModel model = new ReuseModel();
    private final @Nullable LayerReuse[] layers; // [layers], made at the first visit

    ReuseForecasts(Scope scope) {
        this.scope = scope;
        layers = new LayerReuse[scope.layers()];
    }

    /**
     * The forecast of one layer.
     *
     * @param layer from 0 within the scope
     */
    LayerReuse layer(int layer) {
        LayerReuse known = layers[layer];
        if (known == null) {
            known = new LayerReuse(model, scope.shape());
            layers[layer] = known;
        }
        return known;
    }
}
