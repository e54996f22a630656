package io.greenroom.offload.decoder;

import io.greenroom.gating.residency.RoutingCost;

/**
 * Logits of a loaded model at every position of a text: for comparing with a reference, and for
 * perplexity. Evaluations take part in the model's steps like any request. Thread-safe.
 */
public interface LogitsEvaluator {

    /**
     * Evaluates a text and waits for the end.
     *
     * @param visitor receives the logits after each token, on the model's scheduler thread
     * @return what yielding to residents has cost
     * @throws ContextLengthException if the text is longer than the context
     * @throws OverloadedException if the queue is full or the model is closing
     * @throws IllegalArgumentException if the text names a token the model lacks
     * @throws IllegalStateException if called from a listener or visitor
     * @throws java.util.concurrent.CompletionException if it failed on the way, with the reason
     * @throws java.util.concurrent.CancellationException if the model was unloaded meanwhile
     */
    RoutingCost evaluate(EvaluationRequest request, Visitor visitor);

    /** Evaluates a whole text at once with the router's own choices. */
    default void evaluate(int[] tokens, Visitor visitor) {
        var unused = evaluate(EvaluationRequest.exact(tokens), visitor);
    }

    /**
     * As {@link #evaluate(int[], Visitor)}, keeping everything.
     *
     * @return {@code [tokens, vocabulary]}
     */
    default float[][] evaluate(int[] tokens) {
        float[][] kept = new float[tokens.length][];
        evaluate(tokens, (position, logits) -> kept[position] = logits.clone());
        return kept;
    }

    /** Receives the logits of one position. */
    @FunctionalInterface
    interface Visitor {

        /**
         * @param position index of the token these logits follow, from 0 up
         * @param logits {@code [vocabulary]}, overwritten after the call
         */
        void visit(int position, float[] logits);
    }
}
