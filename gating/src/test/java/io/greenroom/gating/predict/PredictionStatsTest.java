package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.SoftmaxTopKGate;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class PredictionStatsTest {

    @Test
    void recallIsCountedPerLayerAtTwoWidths() {
        PredictionStats stats = new PredictionStats(2, 6);
        // Predicted order: 5, 4, 3, 2, 1, 0. Chosen: 5 (rank 0), 2 (rank 3); then 4 (1), 0 (5).
        float[] logits = {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5};
        stats.record(1, logits, new RoutingDecision(2, 2, new int[] {5, 2, 4, 0}, new float[4]));
        assertThat(stats.layer(1)).isEqualTo(new PredictionStats.Recall(4, 2, 3));
        assertThat(stats.layer(1).atK()).isEqualTo(0.5);
        assertThat(stats.layer(1).at2K()).isEqualTo(0.75);
        assertThat(stats.layer(0)).isEqualTo(new PredictionStats.Recall(0, 0, 0));
        assertThat(stats.layer(0).atK()).isZero();
        assertThat(stats.layer(0).at2K()).isZero();
        stats.record(0, logits, new RoutingDecision(1, 1, new int[] {5}, new float[1]));
        assertThat(stats.total()).isEqualTo(new PredictionStats.Recall(5, 3, 4));
    }

    @Test
    void tiesAndDamagedLogitsAreNotFlattered() {
        PredictionStats stats = new PredictionStats(1, 4);
        stats.record(0, new float[4], new RoutingDecision(1, 1, new int[] {1}, new float[1]));
        assertThat(stats.layer(0)).isEqualTo(new PredictionStats.Recall(1, 0, 1));
        float nan = Float.NaN;
        stats.record(
                0,
                new float[] {nan, nan, nan, nan},
                new RoutingDecision(1, 1, new int[] {0}, new float[1]));
        assertThat(stats.layer(0)).isEqualTo(new PredictionStats.Recall(2, 0, 1));
        stats.record(
                0,
                new float[] {nan, 0, nan, nan},
                new RoutingDecision(1, 1, new int[] {1}, new float[1]));
        assertThat(stats.layer(0)).isEqualTo(new PredictionStats.Recall(3, 1, 2));
    }

    @Test
    void aShortPredictionIsRefused() {
        PredictionStats stats = new PredictionStats(1, 4);
        RoutingDecision decision = new RoutingDecision(2, 1, new int[] {1, 2}, new float[2]);
        assertThatThrownBy(() -> stats.record(0, new float[7], decision))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A prediction for 2 tokens has 8 logits, got 7");
    }

    @Property(tries = 100)
    void aGateAppliedToItsOwnInputIsRecalledFully(@ForAll long seed) {
        Random random = new Random(seed);
        int experts = 1 + random.nextInt(40);
        int k = 1 + random.nextInt(Math.min(8, experts));
        float[] logits = new float[experts * 3];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = random.nextInt(20) / 4f; // with ties
        }
        PredictionStats stats = new PredictionStats(1, experts);
        stats.record(0, logits, new SoftmaxTopKGate(experts, k, false).route(logits, 3));
        assertThat(stats.total()).isEqualTo(new PredictionStats.Recall(3L * k, 3L * k, 3L * k));
        assertThat(stats.total().atK()).isEqualTo(1);
    }

    @Test
    @Timeout(60)
    void noRecordIsLostAmongThreads() throws Exception {
        PredictionStats stats = new PredictionStats(1, 4);
        RoutingDecision decision = new RoutingDecision(1, 1, new int[] {3}, new float[1]);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<?>> results = new ArrayList<>();
        for (int thread = 0; thread < 4; thread++) {
            results.add(
                    threads.submit(
                            () -> {
                                for (int i = 0; i < 5000; i++) {
                                    stats.record(0, new float[] {0, 0, 1, 1}, decision);
                                    PredictionStats.Recall recall = stats.layer(0);
                                    assertThat(recall.within2K()).isEqualTo(recall.chosen());
                                }
                            }));
        }
        for (Future<?> result : results) {
            result.get();
        }
        threads.shutdown();
        assertThat(stats.layer(0)).isEqualTo(new PredictionStats.Recall(20000, 0, 20000));
    }
}
