package io.greenroom.plugin.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GuardedSinkTest {

    private final AtomicLong clock = new AtomicLong();

    private SinkLane lane(Supplier<UsageSink> maker) {
        return new SinkLane(new GuardedSink("com.acme.Sink", maker, clock::get), 4, Thread::new);
    }

    /** Takes what it is given. */
    private static final class Noting implements UsageSink {
        private final List<Long> taken = new CopyOnWriteArrayList<>();
        private final CountDownLatch two = new CountDownLatch(2);

        @Override
        public String name() {
            return "noting";
        }

        @Override
        public void accept(UsageRecord record) {
            taken.add(record.sequence());
            two.countDown();
        }

        @Override
        public String state() {
            return "has " + taken.size();
        }
    }

    @Test
    void aGoodSinkIsAsGoodAsOneOfOurs() throws Exception {
        Noting noting = new Noting();
        SinkLane lane = lane(() -> noting);
        lane.offer(Records.record(0));
        lane.offer(Records.record(1));
        noting.two.await();
        lane.close();

        SinkStatus status = lane.status();
        assertThat(status.name()).isEqualTo("noting");
        assertThat(status.state()).isEqualTo("has 2");
        assertThat(status.delivered()).isEqualTo(2);
        assertThat(noting.taken).containsExactly(0L, 1L);
    }

    @Test
    void oneThatCannotBeMadeSaysSo() {
        SinkLane lane =
                lane(
                        () -> {
                            throw new IllegalStateException(
                                    "wrapped", new IOException("no database"));
                        });
        lane.offer(Records.record(0));
        lane.close();

        SinkStatus status = lane.status();
        assertThat(status.name()).isEqualTo("com.acme.Sink");
        assertThat(status.state())
                .isEqualTo("broken: it could not be made: java.io.IOException: no database");
        assertThat(status.failed()).isEqualTo(1);
        assertThat(status.lastFailure()).contains("no database");
    }

    @Test
    void oneThatHangsInItsConstructorHangsAlone() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        SinkLane lane =
                lane(
                        () -> {
                            entered.countDown();
                            try {
                                never.await();
                            } catch (InterruptedException e) {
                                throw new IllegalStateException("interrupted", e);
                            }
                            return new Noting();
                        });
        entered.await();
        for (int i = 0; i < 6; i++) {
            lane.offer(Records.record(i)); // returns, or this test never ends
        }
        assertThat(lane.status().state()).isEqualTo("not made yet");
        clock.set(7_000_000_000L);
        assertThat(lane.status().state()).isEqualTo("hangs: in its constructor for 7 s");
        assertThat(lane.status().queued()).isEqualTo(4);
        assertThat(lane.status().dropped()).isEqualTo(2);
        lane.close(1);
    }

    @Test
    void oneThatHangsInAnythingElseDoesNotHangThoseWhoAsk() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        SinkLane lane =
                lane(
                        () ->
                                new UsageSink() {
                                    @Override
                                    public String name() {
                                        return "slow to say";
                                    }

                                    @Override
                                    public void accept(UsageRecord record) {}

                                    @Override
                                    public String state() {
                                        entered.countDown();
                                        try {
                                            never.await();
                                        } catch (InterruptedException e) {
                                            throw new IllegalStateException(e);
                                        }
                                        return "never";
                                    }
                                });
        entered.await();
        clock.set(9_000_000_000L);
        assertThat(lane.status().name()).isEqualTo("slow to say");
        assertThat(lane.status().state()).isEqualTo("hangs: in state() for 9 s");
        lane.close(1);
    }

    @Test
    void nullsAreNotPassedOn() {
        SinkLane lane =
                lane(
                        () ->
                                new UsageSink() {
                                    @Override
                                    public String name() {
                                        return nothing();
                                    }

                                    @Override
                                    public void accept(UsageRecord record) {}

                                    @Override
                                    public Duration interval() {
                                        return nothing();
                                    }

                                    @Override
                                    public String state() {
                                        return nothing();
                                    }

                                    @Override
                                    public Outstanding outstanding() {
                                        return nothing();
                                    }
                                });
        lane.offer(Records.record(0));
        lane.close();
        assertThat(lane.status())
                .isEqualTo(new SinkStatus("com.acme.Sink", "null", 1, 0, 0, 0, null));
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // as strangers do
    private static <T> T nothing() {
        @Nullable T nothing = null;
        return nothing;
    }

    @Test
    void oneThatIsOffGetsNothing() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        Noting noting = new Noting();
        SinkLane lane =
                lane(
                        () ->
                                new UsageSink() {
                                    @Override
                                    public String name() {
                                        return "off";
                                    }

                                    @Override
                                    public boolean isOn() {
                                        asked.countDown();
                                        return false;
                                    }

                                    @Override
                                    public void accept(UsageRecord record) {
                                        noting.accept(record);
                                    }
                                });
        asked.await();
        lane.close();
        lane.offer(Records.record(0));
        assertThat(noting.taken).isEmpty();
        assertThat(lane.status()).isEqualTo(new SinkStatus("off", "off", 0, 0, 0, 0, null));
    }
}
