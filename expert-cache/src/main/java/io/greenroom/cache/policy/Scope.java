package io.greenroom.cache.policy;

import io.greenroom.cache.ExpertId;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The experts a policy looks after: those of all layers, or of one.
 *
 * @param shape of the model
 * @param firstLayer the first layer
 * @param layers how many layers from there
 */
record Scope(CacheShape shape, int firstLayer, int layers) {

    static Scope all(CacheShape shape) {
        return new Scope(shape, 0, shape.layers());
    }

    static Scope layer(CacheShape shape, int layer) {
        return new Scope(shape, layer, 1);
    }

    /** Every layer by itself. */
    static List<Scope> each(CacheShape shape) {
        return IntStream.range(0, shape.layers()).mapToObj(layer -> layer(shape, layer)).toList();
    }

    int experts() {
        return shape.experts();
    }

    int total() {
        return layers * shape.experts();
    }

    /** A number below {@link #total} for an expert. */
    int index(ExpertId id) {
        int layer = id.layer() - firstLayer;
        if (layer < 0 || layer >= layers || id.expert() >= shape.experts()) {
            throw new IllegalArgumentException(
                    "There is no expert "
                            + id
                            + " here: layers "
                            + firstLayer
                            + " to "
                            + (firstLayer + layers - 1)
                            + " of "
                            + shape.experts()
                            + " experts");
        }
        return layer * shape.experts() + id.expert();
    }

    /** The layer, from 0 within this scope, of an expert's number. */
    int layerOf(int expert) {
        return expert / shape.experts();
    }
}
