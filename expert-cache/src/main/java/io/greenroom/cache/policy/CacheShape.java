package io.greenroom.cache.policy;

/**
 * What a policy knows of a model.
 *
 * @param layers layers of the model, dense ones included
 * @param experts experts of each layer
 * @param expertsPerToken experts one token is routed to in one layer
 */
public record CacheShape(int layers, int experts, int expertsPerToken) {

    public CacheShape {
        if (layers < 1 || experts < 1 || expertsPerToken < 1 || expertsPerToken > experts) {
            throw new IllegalArgumentException(
                    "No model has "
                            + layers
                            + " layers of "
                            + experts
                            + " experts, "
                            + expertsPerToken
                            + " for each token");
        }
        var unused = Math.multiplyExact(layers, experts);
    }

    /** Experts of all layers. */
    public int total() {
        return layers * experts;
    }
}
