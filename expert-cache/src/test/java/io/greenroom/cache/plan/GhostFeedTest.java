package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class GhostFeedTest {

    private static final int LAYERS = 4;
    private static final int EXPERTS = 8;

    private final GhostCurve curve = curve();

    @Test
    void theCurveHearsWhatItWouldHaveHeardAtOnce() {
        RoutingSequence log = log(400);
        GhostFeed feed = new GhostFeed(curve, Runnable::run, LAYERS, EXPERTS);
        feed(feed, log);
        GhostCurve direct = curve();
        GhostCurveTest.feed(direct, log);
        assertThat(feed.dropped()).isZero();
        assertThat(curve.all().tokens()).isEqualTo(direct.all().tokens());
        for (int slots = 0; slots <= LAYERS * EXPERTS; slots++) {
            assertThat(curve.all().hitRate(slots)).isEqualTo(direct.all().hitRate(slots));
            assertThat(curve.decode().hitRate(slots)).isEqualTo(direct.decode().hitRate(slots));
        }
    }

    @Test
    void leavesWholeStepsOutWhileTheOtherThreadIsBehind() {
        Queue<Runnable> tasks = new ArrayDeque<>();
        GhostFeed feed = new GhostFeed(curve, tasks::add, LAYERS, EXPERTS);
        RoutingSequence log = log(400);
        feed(feed, log);
        assertThat(tasks).hasSize(1);
        assertThat(feed.dropped()).isPositive();
        tasks.remove().run();
        assertThat(curve.all().tokens()).isEqualTo(4);
        // it goes on where there is room again
        feed(feed, log);
        assertThat(tasks).hasSize(1);
        tasks.remove().run();
        assertThat(curve.all().tokens()).isGreaterThan(4);
        assertThat(curve.all().visitedPerToken()).isCloseTo(LAYERS * 2.0, within(1e-9));
    }

    @Test
    void survivesAnExecutorThatIsClosed() {
        GhostFeed feed =
                new GhostFeed(
                        curve,
                        task -> {
                            throw new RejectedExecutionException("closed");
                        },
                        LAYERS,
                        EXPERTS);
        feed(feed, log(400));
        assertThat(feed.dropped()).isPositive();
        assertThat(curve.all().tokens()).isZero();
    }

    @Test
    void readersAndTheFeedingThreadDoNotDisturbEachOther() throws InterruptedException {
        ExecutorService other = Executors.newSingleThreadExecutor();
        try {
            GhostFeed feed = new GhostFeed(curve, other, LAYERS, EXPERTS);
            RoutingSequence log = log(50);
            long told = 0;
            for (int round = 0; round < 100; round++) {
                feed(feed, log);
                told += 50;
                MissRatioCurve seen = curve.decode();
                assertThat(seen.tokens()).isBetween(0.0, (double) told);
                assertThat(seen.hitRate(LAYERS * EXPERTS)).isEqualTo(1);
            }
        } finally {
            other.shutdown();
            assertThat(other.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(curve.decode().visitedPerToken()).isCloseTo(LAYERS * 2.0, within(1e-9));
    }

    private static GhostCurve curve() {
        return new GhostCurve(
                new CacheShape(LAYERS, EXPERTS, 2),
                GhostCurveTest.routed(LAYERS),
                PolicyName.LRU,
                null,
                100_000);
    }

    private static RoutingSequence log(int tokens) {
        return new AssumedTraffic(1, 0)
                .visits(new CacheShape(LAYERS, EXPERTS, 2), new long[] {1, 1, 1, 1}, tokens, 1);
    }

    private static void feed(GhostFeed feed, RoutingSequence sequence) {
        for (Visit visit : sequence.visits()) {
            feed.visit(visit.layer(), visit.experts(), visit.experts().length, null);
            if (visit.layer() == LAYERS - 1) {
                feed.stepped(visit.rows(), visit.decode());
            }
        }
    }
}
