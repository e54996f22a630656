package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Meters and flight events of a model of 36 experts tell what its counters tell. */
@Timeout(120)
class ModelMetersTest {

    private static final int VOCABULARY = 48;

    @TempDir private Path folder;
    private final ModelHarness harness = new ModelHarness();
    private Checkpoint checkpoint;

    @BeforeEach
    void write() throws Exception {
        TinyModel tiny = new TinyModel(Family.OLMOE, 3, 64, 32, 12, VOCABULARY, TensorType.F32, 5);
        checkpoint = Checkpoints.open(tiny.gguf().write(folder.resolve("tiny.gguf")));
    }

    @AfterEach
    void allMemoryCameHome() {
        harness.close();
    }

    @Test
    void metersAgreeWithCounters() throws Exception {
        ServingModel model = harness.load(checkpoint, ModelHarness.options("25%"));
        for (int i = 0; i < 5; i++) {
            RecordingListener listener =
                    ModelHarness.generate(model, ModelHarness.prompt(i, 4, VOCABULARY), 6);
            assertThat(listener.await().reason()).isEqualTo(FinishReason.LENGTH);
        }
        RecordingListener leaver = new RecordingListener(token -> false);
        model.submit(
                        new GenerationRequest(
                                new int[] {1}, 5, SamplingParameters.GREEDY, Set.of()),
                        leaver)
                .cancel();
        leaver.await();
        model.close();

        MeterReadings meters = model.meters();
        CacheStats stats = model.status().cache();
        assertThat(meters.ended().get(FinishReason.LENGTH)).isEqualTo(5);
        assertThat(meters.ended().values().stream().mapToLong(n -> n).sum()).isEqualTo(6);
        assertThat(meters.rejected()).isZero();
        assertThat(meters.firstToken().count()).isBetween(5L, 6L);
        assertThat(meters.queue().count()).isBetween(5L, 6L);
        assertThat(meters.betweenTokens().count()).isEqualTo(25);
        assertThat(model.status().tokensOut())
                .isEqualTo(meters.firstToken().count() + meters.betweenTokens().count());
        assertThat(meters.expertRead().count()).isEqualTo(stats.loads()).isPositive();
        assertThat(meters.stepStall().count()).isGreaterThanOrEqualTo(30);
        assertThat(meters.stepStall().sumNanos()).isEqualTo(stats.stallNanos());
        assertThat(Arrays.stream(meters.evictions()).sum())
                .isEqualTo(stats.evictions())
                .isPositive();
        assertThat(meters.kvPages()).isPositive();
        assertThat(meters.kvPagesUsed()).isZero();
    }

    @Test
    void runningRequestsHoldPagesAndThoseTurnedAwayAreCounted() throws Exception {
        ModelOptions options = ModelHarness.builder("100%").maxConcurrent(1).maxQueued(1).build();
        try (ServingModel model = harness.load(checkpoint, options)) {
            var held = new CountDownLatch(1);
            var running = new CountDownLatch(1);
            RecordingListener first =
                    new RecordingListener(
                            token -> {
                                running.countDown();
                                return await(held);
                            });
            GenerationRequest request =
                    new GenerationRequest(new int[] {1}, 4, SamplingParameters.GREEDY, Set.of());
            model.submit(request, first);
            running.await();
            RecordingListener second = new RecordingListener();
            model.submit(request, second);
            try {
                model.submit(request, new RecordingListener());
            } catch (OverloadedException expected) {
                assertThat(expected).hasMessageContaining("The model is busy");
            }

            assertThat(model.meters().rejected()).isEqualTo(1);
            assertThat(model.meters().kvPagesUsed()).isEqualTo(1);
            held.countDown();
            assertThat(first.await().reason()).isEqualTo(FinishReason.LENGTH);
            assertThat(second.await().reason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void flightEventsAgreeWithCounters() throws Exception {
        Path file = folder.resolve("model.jfr");
        ModelOptions options = ModelHarness.options("25%", ModelOptions.Prefetch.ON, 4, 16, 1);
        ServingModel model = harness.load(checkpoint, options);
        try (Recording recording = new Recording()) {
            recording.enable("greenroom.ExpertMiss").withoutThreshold();
            recording.enable("greenroom.ExpertEviction");
            recording.enable("greenroom.ExpertPrefetch");
            recording.enable("greenroom.BudgetChange");
            recording.start();
            for (int i = 0; i < 4; i++) {
                ModelHarness.generate(model, ModelHarness.prompt(i, 4, VOCABULARY), 12).await();
            }
            model.setBudget(ExpertBudget.parse("40%")).reached().get(60, TimeUnit.SECONDS);
            ModelHarness.generate(model, ModelHarness.prompt(9, 4, VOCABULARY), 12).await();
            model.setBudget(ExpertBudget.parse("25%")).reached().get(60, TimeUnit.SECONDS);
            model.close();
            recording.stop();
            recording.dump(file);
        }

        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        CacheStats stats = model.status().cache();
        List<RecordedEvent> misses = of(events, "greenroom.ExpertMiss");
        assertThat(misses).hasSize((int) stats.misses()).isNotEmpty();
        assertThat(misses.stream().mapToLong(e -> e.getDuration("stall").toNanos()).sum())
                .isEqualTo(stats.stallNanos());
        assertThat(misses)
                .allSatisfy(e -> assertThat(e.getDuration()).isGreaterThanOrEqualTo(Duration.ZERO));
        assertThat(of(events, "greenroom.ExpertEviction")).hasSize((int) stats.evictions());
        assertThat(stage(events, "ISSUED")).isEqualTo(stats.prefetchIssued()).isPositive();
        assertThat(stage(events, "USED")).isEqualTo(stats.prefetchUseful());
        assertThat(stage(events, "LATE")).isEqualTo(stats.prefetchLate());
        assertThat(stage(events, "WASTED")).isEqualTo(stats.prefetchWasted());
        assertThat(stage(events, "CALLED_OFF")).isEqualTo(stats.background().hintsCancelled());
        assertThat(of(events, "greenroom.BudgetChange"))
                .extracting(e -> e.getInt("slotsBefore"), e -> e.getInt("slotsAfter"))
                .containsExactly(tuple(9, 14), tuple(14, 9));
    }

    private static List<RecordedEvent> of(List<RecordedEvent> events, String name) {
        return events.stream().filter(e -> e.getEventType().getName().equals(name)).toList();
    }

    private static long stage(List<RecordedEvent> events, String stage) {
        return of(events, "greenroom.ExpertPrefetch").stream()
                .filter(e -> e.getString("stage").equals(stage))
                .count();
    }
}
