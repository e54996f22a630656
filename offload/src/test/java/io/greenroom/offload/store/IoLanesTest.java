package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.LoadPriority;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is served when, with lanes held up by latches. */
@Timeout(30)
class IoLanesTest {

    private final ConcurrentLinkedQueue<String> done = new ConcurrentLinkedQueue<>();

    private IoLanes.Job job(String name, Object owner) {
        return job(owner, () -> done.add(name));
    }

    private static IoLanes.Job job(Object owner, Runnable body) {
        return new IoLanes.Job() {
            @Override
            public long run() {
                body.run();
                return 10;
            }

            @Override
            public Object owner() {
                return owner;
            }
        };
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void demandGoesBeforePrefetchAndPromotedPrefetchJoinsDemand() {
        CountDownLatch busy = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        IoLanes lanes = new IoLanes("test", 1, 1);
        lanes.submit(
                List.of(
                        job(
                                "hold",
                                () -> {
                                    busy.countDown();
                                    await(go);
                                })),
                LoadPriority.DEMAND);
        await(busy);
        lanes.submit(List.of(job("b1", "B"), job("b2", "B")), LoadPriority.BACKGROUND);
        lanes.submit(List.of(job("c1", "C")), LoadPriority.BACKGROUND);
        lanes.submit(List.of(job("p1", "P"), job("p2", "P")), LoadPriority.PREFETCH);
        lanes.submit(List.of(job("q1", "Q")), LoadPriority.PREFETCH);
        lanes.submit(List.of(job("d1", "D"), job("d2", "D")), LoadPriority.DEMAND);
        lanes.promote("Q");
        lanes.promote("C");
        lanes.submit(List.of(job("e1", "E")), LoadPriority.DEMAND);
        go.countDown();
        lanes.close();
        assertThat(done).containsExactly("d1", "d2", "q1", "c1", "e1", "p1", "p2", "b1", "b2");
    }

    @Test
    void lanesAlreadyStartedEndIfAnotherCannotBe() throws InterruptedException {
        List<Thread> made = new ArrayList<>();
        ThreadFactory twoThreads =
                body -> {
                    if (made.size() == 2) {
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                    Thread thread = new Thread(body);
                    made.add(thread);
                    return thread;
                };
        assertThatThrownBy(() -> new IoLanes("test", 4, 2, twoThreads, () -> 0))
                .isInstanceOf(OutOfMemoryError.class)
                .hasMessage("unable to create native thread");
        assertThat(made).hasSize(2).noneMatch(Thread::isAlive);
    }

    @Test
    void lanesWorkSideBySide() {
        CyclicBarrier together = new CyclicBarrier(3);
        IoLanes lanes = new IoLanes("test", 3, 3);
        IoLanes.Job meet =
                job(
                        "meet",
                        () -> {
                            try {
                                together.await(20, TimeUnit.SECONDS);
                                done.add("met");
                            } catch (Exception e) {
                                throw new IllegalStateException(e);
                            }
                        });
        lanes.submit(List.of(meet, meet, meet), LoadPriority.PREFETCH);
        lanes.close();
        assertThat(done).hasSize(3);
    }

    @Test
    void aFailingOrInterruptedJobDoesNotStopItsLane() {
        IoLanes lanes = new IoLanes("test", 1, 1);
        AtomicInteger interrupted = new AtomicInteger();
        lanes.submit(
                List.of(
                        job(
                                "bad",
                                () -> {
                                    Thread.currentThread().interrupt();
                                    throw new IllegalStateException("expected by the test");
                                }),
                        job(
                                "good",
                                () -> {
                                    if (Thread.currentThread().isInterrupted()) {
                                        interrupted.incrementAndGet();
                                    }
                                    done.add("good");
                                })),
                LoadPriority.DEMAND);
        lanes.close();
        assertThat(done).containsExactly("good");
        assertThat(interrupted).hasValue(0);
    }

    @Test
    void closeFinishesWhatWaitsAndTakesNoMore() {
        IoLanes lanes = new IoLanes("test", 2, 1);
        for (int i = 0; i < 100; i++) {
            LoadPriority priority = i % 2 == 0 ? LoadPriority.DEMAND : LoadPriority.PREFETCH;
            lanes.submit(List.of(job("j" + i, i)), priority);
        }
        lanes.close();
        assertThat(done).hasSize(100);
        assertThatThrownBy(() -> lanes.submit(List.of(job("late", 1)), LoadPriority.DEMAND))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("The readers are closed");
        lanes.close();
    }

    @Test
    void atLeastOneLane() {
        assertThatThrownBy(() -> new IoLanes("test", 0, 1))
                .hasMessage("Reading needs at least one lane, got 0");
        assertThatThrownBy(() -> new IoLanes("test", 4, 5))
                .hasMessage("Guesses may use 1 to all of 4 lanes, got 5");
    }

    @Test
    void whatIsWithdrawnNeverRunsAndWhatWasPromotedStays() {
        CountDownLatch busy = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        IoLanes lanes = new IoLanes("test", 1, 1);
        lanes.submit(
                List.of(
                        job(
                                "hold",
                                () -> {
                                    busy.countDown();
                                    await(go);
                                })),
                LoadPriority.PREFETCH);
        await(busy);
        lanes.submit(List.of(job("p1", "P"), job("p2", "P")), LoadPriority.PREFETCH);
        lanes.submit(List.of(job("q1", "Q")), LoadPriority.PREFETCH);
        lanes.promote("Q");
        assertThat(lanes.withdraw("hold")).as("under way").isZero();
        assertThat(lanes.withdraw("P")).isEqualTo(2);
        assertThat(lanes.withdraw("P")).isZero();
        assertThat(lanes.withdraw("Q")).as("promoted").isZero();
        go.countDown();
        lanes.close();
        assertThat(done).containsExactly("q1");
    }

    @Test
    void theLinkIsAccountedForByWhatItIsDoing() {
        AtomicLong now = new AtomicLong(1000);
        CyclicBarrier turns = new CyclicBarrier(2);
        IoLanes lanes = new IoLanes("test", 1, 1, Thread::new, now::get);
        IoLanes.Job held =
                job(
                        "held",
                        () -> {
                            meet(turns); // it runs
                            meet(turns); // it may end
                        });
        assertThat(lanes.use()).isEqualTo(LinkUse.NONE);
        now.addAndGet(5); // idle

        lanes.submit(List.of(held), LoadPriority.PREFETCH);
        meet(turns);
        now.addAndGet(100); // a guess alone
        lanes.submit(List.of(held), LoadPriority.DEMAND);
        now.addAndGet(30); // the guess is in the way of demand
        LinkUse before = lanes.use();
        assertThat(before).isEqualTo(new LinkUse(30, 100, 0, 0));
        meet(turns);
        meet(turns);
        now.addAndGet(7); // demand
        assertThat(lanes.use().since(before)).isEqualTo(new LinkUse(7, 0, 0, 10));
        meet(turns);
        lanes.close();
        now.addAndGet(1000); // idle
        assertThat(lanes.use()).isEqualTo(new LinkUse(37, 100, 10, 10));
    }

    private static void meet(CyclicBarrier barrier) {
        try {
            barrier.await(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
