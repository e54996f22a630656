package io.greenroom.offload.decoder;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Logits at every position of a text, through the same scheduler as all requests. */
final class EvaluationSession extends SequenceSession {

    private final LogitsEvaluator.Visitor visitor;
    private final CompletableFuture<Void> done = new CompletableFuture<>();

    EvaluationSession(int[] tokens, LogitsEvaluator.Visitor visitor) {
        super(tokens, tokens.length);
        this.visitor = visitor;
    }

    /** Completes when every position was visited, or with the reason why not. */
    CompletableFuture<Void> done() {
        return done;
    }

    @Override
    boolean prefilling() {
        return true;
    }

    @Override
    boolean wantsLogits(int position) {
        return true;
    }

    @Override
    void onRows(int count) {}

    @Override
    @Nullable FinishReason onLogits(int position, float[] logits) {
        visitor.visit(position, logits);
        return position == lastPosition() ? FinishReason.LENGTH : null;
    }

    @Override
    void onEnd(FinishReason reason, @Nullable Throwable failure) {
        if (reason == FinishReason.LENGTH) {
            done.complete(null);
        } else if (failure != null) {
            done.completeExceptionally(failure);
        } else {
            done.completeExceptionally(
                    new CancellationException(
                            reason == FinishReason.UNLOADED
                                    ? "The model was unloaded during the evaluation"
                                    : "The evaluation was cancelled"));
        }
    }
}
