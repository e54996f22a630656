package io.greenroom.cache;

/**
 * One routed expert of a model.
 *
 * @param layer index of the transformer layer, from 0
 * @param expert index within the layer, as the router numbers it, from 0
 */
public record ExpertId(int layer, int expert) implements Comparable<ExpertId> {

    public ExpertId {
        if (layer < 0 || expert < 0) {
            throw new IllegalArgumentException(
                    "Expert id needs a layer and an expert of at least 0, got layer "
                            + layer
                            + ", expert "
                            + expert);
        }
    }

    @Override
    public int compareTo(ExpertId other) {
        int byLayer = Integer.compare(layer, other.layer);
        return byLayer != 0 ? byLayer : Integer.compare(expert, other.expert);
    }

    @Override
    public String toString() {
        return "L" + layer + "/E" + expert;
    }
}
