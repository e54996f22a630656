package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.greenroom.gating.residency.RoutingDial;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SchedulerTest {

    private static final int CONTEXT = 256;

    private final AtomicLong clock = new AtomicLong();
    private final ModelMeters meters = new ModelMeters(1);
    private final TokenHeap heap = new TokenHeap();
    private final CountDownLatch released = new CountDownLatch(1);
    private final KvCache kvCache = KvCacheTest.cache(3 * KvCache.pagesFor(CONTEXT));
    private Scheduler scheduler;

    @AfterEach
    void everythingComesHome() throws Exception {
        assertThat(scheduler.close(60, TimeUnit.SECONDS)).isTrue();
        assertThat(released.await(0, TimeUnit.SECONDS)).as("released").isTrue();
        assertThat(kvCache.freePages()).isEqualTo(3 * KvCache.pagesFor(CONTEXT));
        assertThat(scheduler.running()).isZero();
        assertThat(scheduler.queued()).isZero();
    }

    @Test
    void generatesUntilTheLimit() throws Exception {
        start(ScriptedDecoder.free(), 2, 2, 4);
        RecordingListener listener = new RecordingListener();
        submit(new int[] {3, 4, 5}, 4, listener);

        assertThat(listener.await().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(listener.tokens()).containsExactly(6, 7, 8, 9);
        assertThat(listener.await().usage().promptTokens()).isEqualTo(3);
        assertThat(listener.await().usage().completionTokens()).isEqualTo(4);
        assertThat(meters.tokensIn()).isEqualTo(3);
        assertThat(meters.tokensOut()).isEqualTo(4);
    }

    @Test
    void anEndTokenStopsAndIsNotReported() throws Exception {
        start(ScriptedDecoder.free(), 2, 2, 4);
        RecordingListener listener = new RecordingListener();
        submit(new int[] {3}, 50, Set.of(6), listener);

        assertThat(listener.await().reason()).isEqualTo(FinishReason.STOP);
        assertThat(listener.tokens()).containsExactly(4, 5);
        assertThat(listener.await().usage().completionTokens()).isEqualTo(2);
    }

    @Test
    void aListenerThatHasEnoughStops() throws Exception {
        start(ScriptedDecoder.free(), 2, 2, 4);
        RecordingListener listener = new RecordingListener(token -> token < 12);
        submit(new int[] {9}, 50, listener);

        assertThat(listener.await().reason()).isEqualTo(FinishReason.STOP);
        assertThat(listener.tokens()).containsExactly(10, 11, 12);
    }

    @Test
    void newcomersJoinBetweenStepsAndPromptsComeInChunks() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.stepwise();
        start(decoder, 3, 3, 4);
        RecordingListener first = new RecordingListener();
        submit(new int[] {100}, 5, first);
        decoder.awaitStep();
        RecordingListener second = new RecordingListener();
        RecordingListener third = new RecordingListener();
        submit(new int[] {200, 201, 202, 203, 204, 205}, 2, second);
        submit(new int[] {300, 301, 302}, 2, third);
        decoder.allowSteps(100);

        assertThat(first.await().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(second.await().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(third.await().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(decoder.steps())
                .containsExactly(
                        List.of(100),
                        List.of(101, 200, 201, 202, 203),
                        List.of(102, 204, 205, 300, 301),
                        List.of(103, 206, 302),
                        List.of(104, 303));
        assertThat(second.tokens()).containsExactly(206, 207);
        assertThat(third.tokens()).containsExactly(303, 304);
    }

    @Test
    void usageSeparatesWaitingFromWorking() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.stepwise();
        start(decoder, 1, 1, 4);
        clock.set(1000);
        RecordingListener first = new RecordingListener();
        submit(new int[] {1}, 1, first);
        decoder.awaitStep();
        RecordingListener second = new RecordingListener();
        submit(new int[] {1}, 2, second);
        clock.set(1500);
        decoder.allowStep();
        decoder.awaitStep();
        clock.set(1700);
        decoder.allowStep();
        decoder.awaitStep();
        clock.set(1900);
        decoder.allowStep();

        assertThat(first.await().usage()).isEqualTo(new GenerationUsage(1, 1, 0, 500, 500));
        assertThat(second.await().usage()).isEqualTo(new GenerationUsage(1, 2, 500, 700, 900));
    }

    @Test
    void cancelEndsARunningGenerationBeforeTheNextStep() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.stepwise();
        start(decoder, 2, 2, 4);
        RecordingListener cancelled = new RecordingListener();
        RecordingListener other = new RecordingListener();
        Generation generation = submit(new int[] {1}, 50, cancelled);
        submit(new int[] {500}, 3, other);
        decoder.awaitStep();
        generation.cancel();
        decoder.allowSteps(100);

        assertThat(cancelled.await().reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(other.await().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(cancelled.tokens().size()).isLessThanOrEqualTo(1);
        generation.cancel(); // harmless
    }

    @Test
    void cancelEndsAWaitingGeneration() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.stepwise();
        start(decoder, 1, 2, 4);
        RecordingListener running = new RecordingListener();
        submit(new int[] {1}, 3, running);
        decoder.awaitStep();
        RecordingListener waiting = new RecordingListener();
        Generation generation = submit(new int[] {1}, 3, waiting);
        generation.cancel();
        decoder.allowStep();

        assertThat(waiting.await().reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(waiting.tokens()).isEmpty();
        assertThat(running.isDone()).isFalse();
    }

    @Test
    void refusesMoreThanTheQueueHolds() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.stepwise();
        start(decoder, 1, 2, 4);
        submit(new int[] {1}, 3, new RecordingListener());
        decoder.awaitStep();
        submit(new int[] {1}, 3, new RecordingListener());
        submit(new int[] {1}, 3, new RecordingListener());

        assertThatExceptionOfType(OverloadedException.class)
                .isThrownBy(() -> submit(new int[] {1}, 3, new RecordingListener()))
                .withMessage(
                        "The model is busy: 1 running and 2 waiting requests, the limits are 1 and"
                                + " 2; try again later");
        assertThat(scheduler.running()).isEqualTo(1);
        assertThat(scheduler.queued()).isEqualTo(2);
    }

    @Test
    void aRequestWaitsUntilAllItsPagesAreFreeAndIsNotOvertaken() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.stepwise();
        start(decoder, 8, 8, 4);
        RecordingListener[] large = new RecordingListener[4];
        for (int i = 0; i < 4; i++) {
            large[i] = new RecordingListener();
            submit(new int[] {i}, CONTEXT - 1, large[i]);
        }
        RecordingListener small = new RecordingListener();
        submit(new int[] {900}, 1, small);
        for (int i = 0; i < 3; i++) {
            decoder.awaitStep();
            decoder.allowStep();
        }
        decoder.awaitStep();
        assertThat(scheduler.running()).as("three full contexts fit").isEqualTo(3);
        assertThat(scheduler.queued()).isEqualTo(2);
        decoder.allowSteps(10_000);

        for (RecordingListener listener : large) {
            assertThat(listener.await().reason()).isEqualTo(FinishReason.LENGTH);
            assertThat(listener.tokens()).hasSize(CONTEXT - 1);
        }
        assertThat(small.await().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void aListenerThatThrowsEndsItsGenerationOnly() throws Exception {
        start(ScriptedDecoder.free(), 4, 4, 4);
        IllegalStateException thrown = new IllegalStateException("from the listener");
        RecordingListener bad =
                new RecordingListener(
                        token -> {
                            throw thrown;
                        });
        RecordingListener good = new RecordingListener();
        submit(new int[] {1}, 20, bad);
        submit(new int[] {1}, 20, good);

        assertThat(bad.await().reason()).isEqualTo(FinishReason.ERROR);
        assertThat(bad.await().failure()).isSameAs(thrown);
        assertThat(good.await().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(good.tokens()).hasSize(20);
    }

    @Test
    void aListenerThatThrowsAtTheEndHurtsNobody() throws Exception {
        start(ScriptedDecoder.free(), 4, 4, 4);
        CountDownLatch told = new CountDownLatch(1);
        scheduler.submit(
                session(
                        new int[] {1},
                        2,
                        Set.of(),
                        new TokenListener() {
                            @Override
                            public boolean onToken(int token) {
                                return true;
                            }

                            @Override
                            public void onFinish(
                                    FinishReason reason, GenerationUsage usage, Throwable failure) {
                                told.countDown();
                                throw new IllegalStateException("at the end");
                            }
                        }));
        assertThat(told.await(60, TimeUnit.SECONDS)).isTrue();
        RecordingListener good = new RecordingListener();
        submit(new int[] {1}, 2, good);
        assertThat(good.await().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void aSequenceThatFailsLeavesTheOthersAlone() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.free();
        decoder.poison(7);
        start(decoder, 4, 4, 4);
        RecordingListener bad = new RecordingListener();
        RecordingListener good = new RecordingListener();
        submit(new int[] {5}, 20, bad);
        submit(new int[] {50}, 20, good);

        assertThat(bad.await().reason()).isEqualTo(FinishReason.ERROR);
        assertThat(bad.await().failure()).hasMessage("poisoned");
        assertThat(bad.tokens()).containsExactly(6, 7);
        assertThat(good.await().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(good.tokens()).hasSize(20);
    }

    @Test
    void aStepThatFailsEndsItsGenerationsAndServesLaterOnes() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.free();
        start(decoder, 4, 4, 4);
        for (Throwable failure :
                List.of(new IllegalStateException("broken"), new AssertionError("worse"))) {
            decoder.failNextStep(failure);
            RecordingListener bad = new RecordingListener();
            submit(new int[] {5}, 20, bad);
            assertThat(bad.await().reason()).isEqualTo(FinishReason.ERROR);
            assertThat(bad.await().failure()).isSameAs(failure);
        }
        RecordingListener good = new RecordingListener();
        submit(new int[] {5}, 2, good);
        assertThat(good.await().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void closeInTheMiddleOfAStepUnloadsRunningAndWaiting() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.stepwise();
        start(decoder, 1, 1, 4);
        RecordingListener running = new RecordingListener();
        RecordingListener waiting = new RecordingListener();
        submit(new int[] {1}, 20, running);
        submit(new int[] {1}, 20, waiting);
        decoder.awaitStep();

        assertThat(scheduler.close(60, TimeUnit.SECONDS)).isTrue();

        assertThat(running.await().reason()).isEqualTo(FinishReason.UNLOADED);
        assertThat(waiting.await().reason()).isEqualTo(FinishReason.UNLOADED);
        assertThatExceptionOfType(OverloadedException.class)
                .isThrownBy(() -> submit(new int[] {1}, 3, new RecordingListener()))
                .withMessage("The model is being unloaded");
        assertThat(scheduler.close(60, TimeUnit.SECONDS)).as("again").isTrue();
    }

    @Test
    void closeFromAListenerDoesNotWaitForItself() throws Exception {
        start(ScriptedDecoder.free(), 2, 2, 4);
        CompletableFuture<Boolean> closed = new CompletableFuture<>();
        RecordingListener listener =
                new RecordingListener(
                        token -> {
                            closed.complete(scheduler.close(60, TimeUnit.SECONDS));
                            return true;
                        });
        submit(new int[] {1}, 20, listener);

        assertThat(closed.get(60, TimeUnit.SECONDS)).isFalse();
        assertThat(listener.await().reason()).isEqualTo(FinishReason.UNLOADED);
        assertThat(released.await(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void closeGivesUpWaitingAtItsLimit() throws Exception {
        start(ScriptedDecoder.free(), 2, 2, 4);
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch hold = new CountDownLatch(1);
        AtomicReference<Boolean> interrupted = new AtomicReference<>();
        RecordingListener listener =
                new RecordingListener(
                        token -> {
                            entered.countDown();
                            try {
                                hold.await();
                            } catch (InterruptedException e) {
                                interrupted.set(true);
                            }
                            return true;
                        });
        submit(new int[] {1}, 20, listener);
        entered.await();

        assertThat(scheduler.close(1, TimeUnit.MILLISECONDS)).isFalse();
        hold.countDown();
        assertThat(scheduler.close(60, TimeUnit.SECONDS)).isTrue();
        assertThat(interrupted.get()).as("a listener is not interrupted").isNull();
        assertThat(listener.await().reason()).isEqualTo(FinishReason.UNLOADED);
    }

    @Test
    void anEvaluationVisitsEveryPosition() throws Exception {
        start(ScriptedDecoder.free(), 2, 2, 4);
        int[] best = new int[10];
        EvaluationSession session =
                new EvaluationSession(
                        EvaluationRequest.exact(IntStream.range(40, 50).toArray()),
                        SessionRouting.EXACT,
                        (position, logits) ->
                                best[position] =
                                        IntStream.range(0, logits.length)
                                                .filter(i -> logits[i] == 1)
                                                .findFirst()
                                                .orElse(-1));
        scheduler.submit(session);
        session.done().get(60, TimeUnit.SECONDS);
        assertThat(best).containsExactly(41, 42, 43, 44, 45, 46, 47, 48, 49, 50);
    }

    @Test
    void anEvaluationReadsItsPromptInChunksAndTheRestTokenByToken() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.free();
        start(decoder, 2, 2, 4);
        EvaluationSession session =
                new EvaluationSession(
                        new EvaluationRequest(
                                IntStream.range(40, 48).toArray(), 6, RoutingDial.EXACT),
                        SessionRouting.EXACT,
                        (p, l) -> {});
        scheduler.submit(session);
        session.done().get(60, TimeUnit.SECONDS);
        assertThat(decoder.steps())
                .containsExactly(
                        List.of(40, 41, 42, 43), List.of(44, 45), List.of(46), List.of(47));
    }

    @Test
    void anEvaluationIsToldOfTheUnload() throws Exception {
        ScriptedDecoder decoder = ScriptedDecoder.stepwise();
        start(decoder, 2, 2, 4);
        EvaluationSession session =
                new EvaluationSession(
                        EvaluationRequest.exact(new int[] {1, 2}),
                        SessionRouting.EXACT,
                        (p, l) -> {});
        scheduler.submit(session);
        decoder.awaitStep();
        scheduler.close(60, TimeUnit.SECONDS);
        assertThatExceptionOfType(CancellationException.class)
                .isThrownBy(() -> session.done().join())
                .withMessage("The model was unloaded during the evaluation");
    }

    @Test
    void checksTokensBeforeQueueing() {
        start(ScriptedDecoder.free(), 2, 2, 4);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> scheduler.checkTokens(new int[0], 1))
                .withMessageContaining("empty");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> scheduler.checkTokens(new int[] {5, 1000}, 1))
                .withMessage("Token 1 of the prompt is 1000; the model has tokens 0 to 999");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> scheduler.checkTokens(new int[] {-1}, 1))
                .withMessageContaining("is -1");
        assertThatExceptionOfType(ContextLengthException.class)
                .isThrownBy(() -> scheduler.checkTokens(new int[CONTEXT], 1))
                .withMessage(
                        "The prompt has 256 tokens, the context holds 256 with the answer; shorten"
                                + " the prompt or load the model with a longer context");
    }

    private void start(ScriptedDecoder decoder, int concurrent, int queued, int chunk) {
        scheduler =
                new Scheduler(
                        "scheduler-test",
                        new Scheduler.Limits(
                                CONTEXT, ScriptedDecoder.VOCABULARY, concurrent, queued, chunk),
                        decoder,
                        kvCache,
                        released::countDown);
        scheduler.start();
    }

    private Generation submit(int[] prompt, int limit, TokenListener listener) {
        return submit(prompt, limit, Set.of(), listener);
    }

    private Generation submit(
            int[] prompt, int limit, Set<Integer> endTokens, TokenListener listener) {
        GenerationSession session = session(prompt, limit, endTokens, listener);
        scheduler.submit(session);
        return session;
    }

    private GenerationSession session(
            int[] prompt, int limit, Set<Integer> endTokens, TokenListener listener) {
        return new GenerationSession(
                new GenerationRequest(prompt, limit, SamplingParameters.GREEDY, endTokens),
                limit,
                SessionRouting.EXACT,
                listener,
                heap,
                clock::get,
                meters);
    }
}
