package io.greenroom.gating.predict;

/**
 * Foresees which experts a layer will choose from what was chosen before, without looking at
 * activations: the rivals of the cross-layer gate. Follows one stream of tokens and learns as it
 * goes; not thread-safe.
 *
 * <p>Calls come in the order of the walk: {@link #requestBegins}, then for each token {@link
 * #tokenBegins} and for each layer {@link #foresee} (any number of times) and {@link #routed}.
 */
public interface RoutingForecaster {

    /** Another text begins. */
    default void requestBegins() {}

    /** The next token of the text is about to enter the first layer. */
    default void tokenBegins(int token) {}

    /**
     * The router of a layer has chosen for the token under way.
     *
     * @param experts distinct, most probable first; the callee keeps no reference
     */
    void routed(int layer, int[] experts);

    /**
     * Scores the experts of a layer that the token under way has not reached yet. Only the order
     * counts: a larger score is likelier, equal ones are by lower index.
     *
     * @param ahead how many layers before it the last known choice of this token is; the choices of
     *     layers between are not to be used even where they are known
     * @param scores {@code [experts]}, overwritten
     */
    void foresee(int layer, int ahead, float[] scores);
}
