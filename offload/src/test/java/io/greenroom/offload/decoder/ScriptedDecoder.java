package io.greenroom.offload.decoder;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A model without arithmetic: token t is followed by t + 1. Steps can be held back, watched and
 * made to fail.
 */
final class ScriptedDecoder implements BatchDecoder {

    static final int VOCABULARY = 1000;

    private final List<List<Integer>> steps = Collections.synchronizedList(new ArrayList<>());
    private final Semaphore entered = new Semaphore(0);
    private final @Nullable Semaphore allowed;
    private final AtomicReference<@Nullable Throwable> nextFailure = new AtomicReference<>();
    private volatile int poisonedToken = -1;

    private ScriptedDecoder(@Nullable Semaphore allowed) {
        this.allowed = allowed;
    }

    static ScriptedDecoder free() {
        return new ScriptedDecoder(null);
    }

    /** Each step waits for {@link #allowStep}. */
    static ScriptedDecoder stepwise() {
        return new ScriptedDecoder(new Semaphore(0));
    }

    void awaitStep() throws InterruptedException {
        entered.acquire();
    }

    void allowStep() {
        allowSteps(1);
    }

    void allowSteps(int count) {
        if (allowed == null) {
            throw new IllegalStateException("This decoder is not stepwise");
        }
        allowed.release(count);
    }

    void failNextStep(Throwable failure) {
        nextFailure.set(failure);
    }

    /** Any sequence that feeds this token fails alone. */
    void poison(int token) {
        poisonedToken = token;
    }

    /** Tokens of each step so far. */
    List<List<Integer>> steps() {
        synchronized (steps) {
            return List.copyOf(steps);
        }
    }

    @Override
    public void forward(Batch batch) throws InterruptedException {
        List<Integer> tokens = new ArrayList<>();
        for (int row = 0; row < batch.rows(); row++) {
            tokens.add(batch.tokens()[row]);
        }
        steps.add(tokens);
        entered.release();
        if (allowed != null) {
            allowed.acquire();
        }
        Throwable failure = nextFailure.getAndSet(null);
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof RuntimeException exception) {
            throw exception;
        }
        for (int row = 0; row < batch.rows(); row++) {
            if (batch.tokens()[row] == poisonedToken) {
                batch.fail(row, new IllegalStateException("poisoned"));
            }
        }
        if (batch.hasFailedRows()) {
            batch.dropFailedRows(new float[batch.rows()], 1);
        }
    }

    @Override
    public void logits(Batch batch, Sink sink) {
        float[] logits = new float[VOCABULARY];
        for (int row = 0; row < batch.rows(); row++) {
            if (batch.wantsLogits(row)) {
                int next = (batch.tokens()[row] + 1) % VOCABULARY;
                logits[next] = 1;
                sink.accept(batch.sequences()[row], batch.positions()[row], logits);
                logits[next] = 0;
            }
        }
    }
}
