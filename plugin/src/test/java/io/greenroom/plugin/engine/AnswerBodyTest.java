package io.greenroom.plugin.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class AnswerBodyTest {

    private final List<Integer> statuses = new ArrayList<>();
    private final List<String> taken = new ArrayList<>();
    private final AnswerBody body = new AnswerBody(true, true, 100, statuses::add);

    private void take(byte[] piece) {
        taken.add(piece == null ? "END" : new String(piece, StandardCharsets.UTF_8));
    }

    @Test
    void piecesFromBeforeTheSubscriptionAreKept() {
        body.write("a");
        body.write("b");
        CompletableFuture<Void> done = body.subscribe(this::take);
        body.write("c");

        assertThat(taken).containsExactly("a", "b", "c");
        assertThat(done).isNotDone();
        body.end();
        assertThat(taken).containsExactly("a", "b", "c", "END");
        assertThat(done).isDone();
    }

    @Test
    void anAnswerThatWasCompleteIsDeliveredWhole() {
        body.write("a");
        body.end();

        assertThat(body.subscribe(this::take)).isDone();
        assertThat(taken).containsExactly("a", "END");
    }

    @Test
    void nothingComesAfterTheEnd() {
        body.subscribe(this::take);
        body.end();
        body.write("late");
        body.end();

        assertThat(taken).containsExactly("END");
    }

    @Test
    void anAnswerNobodyTakesIsCancelledBeforeItFillsMemory() {
        AtomicInteger cancelled = new AtomicInteger();
        body.onCancel(cancelled::incrementAndGet);
        body.write("x".repeat(100));
        assertThat(cancelled).hasValue(0);
        body.write("y");

        assertThat(cancelled).hasValue(1);
        body.write("z");
        body.end();
        body.subscribe(this::take);
        assertThat(taken).containsExactly("END");
    }

    @Test
    void cancellingReachesTheProducerOnceInEitherOrder() {
        AtomicInteger cancelled = new AtomicInteger();
        body.cancel();
        body.onCancel(cancelled::incrementAndGet);
        body.cancel();
        assertThat(cancelled).hasValue(1);

        AnswerBody ended = new AnswerBody(true, true, 100, statuses::add);
        ended.onCancel(cancelled::incrementAndGet);
        ended.end();
        ended.cancel();
        assertThat(cancelled).hasValue(1);
    }

    @Test
    void theStatusCanChangeUntilTheFirstPiece() {
        assertThat(body.fail(503)).isTrue();
        body.write("a");
        assertThat(body.fail(500)).isFalse();
        assertThat(statuses).containsExactly(503);
    }

    @Test
    void theStatusOfAStreamIsFixedWhereItIsSentFirst() {
        AnswerBody stock = new AnswerBody(true, false, 100, statuses::add);
        AnswerBody whole = new AnswerBody(false, false, 100, statuses::add);

        assertThat(stock.fail(500)).isFalse();
        assertThat(whole.fail(500)).isTrue();
    }

    @Test
    void thereIsOneSubscriber() {
        body.subscribe(this::take);

        assertThatThrownBy(() -> body.subscribe(this::take))
                .hasMessage("An answer has one subscriber, not two");
    }

    @Test
    void whoCannotSubscribeWaits() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        Future<String> text =
                CompletableFuture.supplyAsync(
                        () -> {
                            started.countDown();
                            return body.getAsString();
                        });
        started.await();
        body.write("a");
        body.write("b");
        body.end();

        assertThat(text.get(10, TimeUnit.SECONDS)).isEqualTo("ab");
    }

    @Test
    void piecesKeepTheirOrderWhileASubscriberComes() throws Exception {
        int pieces = 2000;
        AnswerBody busy = new AnswerBody(true, true, Long.MAX_VALUE, statuses::add);
        Thread producer =
                new Thread(
                        () -> {
                            for (int i = 0; i < pieces; i++) {
                                busy.write(i + " ");
                            }
                            busy.end();
                        });
        producer.start();
        CompletableFuture<Void> done = busy.subscribe(this::take);
        done.get(10, TimeUnit.SECONDS);
        producer.join();

        assertThat(taken).hasSize(pieces + 1);
        for (int i = 0; i < pieces; i++) {
            assertThat(taken.get(i)).isEqualTo(i + " ");
        }
    }
}
