package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Keeps what a generation produces, and lets a test wait for its end. */
final class RecordingListener implements TokenListener {

    static final Duration PATIENCE = Duration.ofSeconds(60);

    private final IntPredicate onToken;
    private final List<Integer> tokens = new ArrayList<>();
    private final CompletableFuture<End> end = new CompletableFuture<>();

    RecordingListener() {
        this(token -> true);
    }

    /**
     * @param onToken what the listener answers to a token
     */
    RecordingListener(IntPredicate onToken) {
        this.onToken = onToken;
    }

    /** How a generation ended. */
    record End(FinishReason reason, GenerationUsage usage, @Nullable Throwable failure) {}

    @Override
    public synchronized boolean onToken(int token) {
        assertThat(end).as("no token after the end").isNotDone();
        tokens.add(token);
        return onToken.test(token);
    }

    @Override
    public void onFinish(FinishReason reason, GenerationUsage usage, @Nullable Throwable failure) {
        assertThat(end.complete(new End(reason, usage, failure))).as("one end only").isTrue();
    }

    End await() throws Exception {
        return end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    boolean isDone() {
        return end.isDone();
    }

    synchronized List<Integer> tokens() {
        return List.copyOf(tokens);
    }
}
