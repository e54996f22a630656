package io.greenroom.plugin.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class SinkLaneTest {

    /** A sink whose doings a test decides. */
    private abstract static class TestSink implements UsageSink {
        final List<Long> taken = new CopyOnWriteArrayList<>();
        final CountDownLatch closed = new CountDownLatch(1);

        @Override
        public String name() {
            return "test";
        }

        @Override
        public void close() {
            closed.countDown();
        }
    }

    @Test
    void deliversInOrderAndClosesAfterTheLast() throws Exception {
        TestSink sink =
                new TestSink() {
                    @Override
                    public void accept(UsageRecord record) {
                        taken.add(record.sequence());
                    }
                };
        SinkLane lane = new SinkLane(sink, 100, Thread::new);
        for (int i = 0; i < 50; i++) {
            lane.offer(Records.record(i));
        }
        lane.close();

        assertThat(sink.closed.getCount()).isZero();
        assertThat(sink.taken).hasSize(50).isSorted();
        assertThat(lane.status().delivered()).isEqualTo(50);
        lane.offer(Records.record(51));
        assertThat(lane.status().dropped()).isEqualTo(1);
    }

    @Test
    void aSinkThatThrowsLosesItsRecordAndGoesOn() {
        TestSink sink =
                new TestSink() {
                    @Override
                    public void accept(UsageRecord record) {
                        if (record.sequence() == 0) {
                            throw new NoClassDefFoundError("gone");
                        }
                        taken.add(record.sequence());
                    }

                    @Override
                    public String state() {
                        throw new IllegalStateException("confused");
                    }
                };
        SinkLane lane = new SinkLane(sink, 10, Thread::new);
        lane.offer(Records.record(0));
        lane.offer(Records.record(1));
        lane.close();

        SinkStatus status = lane.status();
        assertThat(sink.taken).containsExactly(1L);
        assertThat(status.failed()).isEqualTo(1);
        assertThat(status.delivered()).isEqualTo(1);
        assertThat(status.lastFailure()).isEqualTo("java.lang.NoClassDefFoundError: gone");
        assertThat(status.state()).isEqualTo("unknown: java.lang.IllegalStateException: confused");
    }

    @Test
    void aSinkThatBlocksNeverMakesTheOfferWait() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        TestSink sink =
                new TestSink() {
                    @Override
                    public void accept(UsageRecord record) throws InterruptedException {
                        entered.countDown();
                        never.await();
                    }
                };
        SinkLane lane = new SinkLane(sink, 4, Thread::new);
        lane.offer(Records.record(0));
        entered.await();
        for (int i = 1; i <= 10; i++) {
            lane.offer(Records.record(i)); // returns, or this test never ends
        }

        assertThat(lane.status().queued()).isEqualTo(4);
        assertThat(lane.status().dropped()).isEqualTo(6);
        lane.close(1); // interrupts it
        sink.closed.await();
        assertThat(lane.status().dropped()).isEqualTo(11);
    }
}
