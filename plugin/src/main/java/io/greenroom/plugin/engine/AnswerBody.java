package io.greenroom.plugin.engine;

import ai.djl.inference.streaming.PublisherBytesSupplier;
import io.greenroom.plugin.protocol.AnswerSink;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of an answer on their way from the scheduler to the server. Unlike its parent it never
 * makes the producer wait for a subscriber, which would stop every answer of the model: what comes
 * before the subscription is kept, up to a limit, and answers nobody takes are cancelled.
 *
 * <p>Thread-safe. Pieces reach the subscriber in order, on the producer's thread or, those from
 * before the subscription, on the subscriber's.
 */
public final class AnswerBody extends PublisherBytesSupplier implements AnswerSink {

    private final long maxUnsent;
    private final boolean streamed;
    private final boolean deferred;
    private final IntConsumer status;
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Queue<byte[]> kept = new ArrayDeque<>();
    private long keptBytes;
    private boolean begun;
    private boolean complete;
    private boolean cancelled;
    private @Nullable Consumer<byte[]> subscriber;
    private @Nullable Runnable onCancel;

    /**
     * @param streamed whether pieces are of use before the end
     * @param deferred whether the status is sent only with the first piece
     * @param maxUnsent bytes to keep for a subscriber yet to come
     * @param status takes the HTTP status, should it change before the first piece
     */
    AnswerBody(boolean streamed, boolean deferred, long maxUnsent, IntConsumer status) {
        this.streamed = streamed;
        this.deferred = deferred;
        this.maxUnsent = maxUnsent;
        this.status = status;
    }

    /**
     * Whether pieces are to be sent as they come. Otherwise there is one piece at the end, and the
     * status is not certain before it.
     */
    public boolean isStreamed() {
        return streamed;
    }

    /** Says what stops the production. Called at once if the answer was cancelled already. */
    void onCancel(Runnable action) {
        synchronized (this) {
            if (!cancelled) {
                onCancel = action;
                return;
            }
        }
        action.run();
    }

    /** Nobody wants the rest. Harmless after the end. Any thread. */
    public void cancel() {
        Runnable action;
        synchronized (this) {
            if (cancelled || complete) {
                return;
            }
            cancelled = true;
            kept.clear();
            action = onCancel;
        }
        if (action != null) {
            action.run();
        }
    }

    synchronized boolean isCancelled() {
        return cancelled;
    }

    @Override
    public synchronized boolean fail(int code) {
        if (begun || (streamed && !deferred)) {
            return false;
        }
        status.accept(code);
        return true;
    }

    @Override
    public void write(String text) {
        appendContent(text.getBytes(StandardCharsets.UTF_8), false);
    }

    @Override
    public void end() {
        appendContent(new byte[0], true);
    }

    @Override
    public void appendContent(byte[] data, boolean lastChunk) {
        boolean overflow = false;
        synchronized (this) {
            if (complete) {
                return;
            }
            begun = true;
            complete = lastChunk;
            if (!cancelled) {
                if (subscriber != null) {
                    deliver(subscriber, data);
                } else {
                    kept.add(data);
                    keptBytes += data.length;
                    overflow = keptBytes > maxUnsent && !lastChunk;
                }
            }
            if (lastChunk) {
                finish();
            }
        }
        if (overflow) {
            cancel();
        }
    }

    /**
     * Under the lock, so that pieces cannot overtake each other. The server's writes only queue.
     */
    private static void deliver(Consumer<byte[]> subscriber, byte[] data) {
        if (data.length > 0) {
            subscriber.accept(data);
        }
    }

    private void finish() {
        if (subscriber != null) {
            endOf(subscriber);
            done.complete(null);
        }
        ended.countDown();
    }

    @SuppressWarnings("NullAway") // null is how DJL says the end
    private static void endOf(Consumer<byte[]> subscriber) {
        subscriber.accept(null);
    }

    /**
     * Sets who takes the pieces. After the last one it is given null.
     *
     * @throws IllegalStateException if there is a subscriber already
     */
    @Override
    public CompletableFuture<Void> subscribe(Consumer<byte[]> subscriber) {
        synchronized (this) {
            if (this.subscriber != null) {
                throw new IllegalStateException("An answer has one subscriber, not two");
            }
            this.subscriber = subscriber;
            while (!kept.isEmpty()) {
                deliver(subscriber, kept.remove());
            }
            if (complete) {
                endOf(subscriber);
                done.complete(null);
            }
        }
        return done;
    }

    /** Waits for the end and gives the whole, for callers that cannot subscribe. */
    @Override
    public ByteBuffer toByteBuffer() {
        return ByteBuffer.wrap(getAsBytes());
    }

    @Override
    public byte[] getAsBytes() {
        try {
            return await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            cancel();
            throw new IllegalStateException("Interrupted while waiting for an answer", e);
        }
    }

    @Override
    public String getAsString() {
        return new String(getAsBytes(), StandardCharsets.UTF_8);
    }

    /**
     * Waits for the end.
     *
     * @return all pieces that no subscriber took
     */
    byte[] await() throws InterruptedException {
        ended.await();
        synchronized (this) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            kept.forEach(all::writeBytes);
            return all.toByteArray();
        }
    }
}
