package io.greenroom.offload.decoder;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Logits at every position of a text, through the same scheduler as all requests. Its first tokens
 * are read as a prompt, in chunks; the others one a step, as if they had been generated.
 */
final class EvaluationSession extends SequenceSession {

    private final LogitsEvaluator.Visitor visitor;
    private final CompletableFuture<Void> done = new CompletableFuture<>();

    EvaluationSession(
            EvaluationRequest request, SessionRouting routing, LogitsEvaluator.Visitor visitor) {
        super(request.tokens(), request.promptTokens(), request.tokens().length, routing);
        this.visitor = visitor;
    }

    /** Completes when every position was visited, or with the reason why not. */
    CompletableFuture<Void> done() {
        return done;
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
