package io.greenroom.plugin.heat;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.heat.Heat;
import io.greenroom.cache.heat.HeatMeter;
import io.greenroom.cache.heat.Publication;
import io.greenroom.plugin.engine.FakeMoeModel;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is read and written of a model's heat, where and when. */
@Timeout(60)
class StoredWarmStartTest {

    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final Heat COLD_LAYER = heat(0.5f, 0, 0, 0, 0, 0, 0, 1);
    private static final Heat OTHER = heat(0, 0.25f, 0, 0, 0, 0, 0, 0);

    private final FakeMoeModel model = new FakeMoeModel();
    private final FakeStore file = new FakeStore("folder f");
    private final FakeStore topic = new FakeStore("topic t");
    private final List<HeatStore> stores = List.of(file, topic);
    private final ModelHeat heat =
            new ModelHeat(
                    () -> "demo",
                    model,
                    HeatJsonTest.PRINT,
                    "here",
                    Clock.fixed(NOW, ZoneOffset.UTC),
                    new HeatMeter(2, 4, 1, 1e9));
    private boolean ended;
    private final StoredWarmStart warmStart = warmStart(Duration.ofSeconds(50));

    private StoredWarmStart warmStart(Duration warmTimeout) {
        HeatSettings settings =
                new HeatSettings(true, Duration.ofMinutes(1), Duration.ofMillis(200), warmTimeout);
        return new StoredWarmStart(heat, model, stores, settings, () -> ended = true);
    }

    private static Heat heat(float... shares) {
        return new Heat(2, 4, 1000, shares);
    }

    private static HeatRecord record(Heat heat, long age) {
        return new HeatRecord(
                new HeatKey("demo", HeatJsonTest.PRINT), "there", NOW.minusSeconds(age), heat);
    }

    private void use(int tokens, int expert) {
        for (int layer = 0; layer < 2; layer++) {
            model.counters()
                    .routed(layer, IntStream.range(0, tokens).map(i -> expert).toArray(), tokens);
        }
    }

    @Test
    void theNewerRecordWins() {
        file.holds = record(OTHER, 100);
        topic.holds = record(COLD_LAYER, 10);
        warmStart.await();
        assertThat(model.warmedWith()).isEqualTo(COLD_LAYER);
    }

    @Test
    void whereNothingIsKnownItBeginsCold() {
        warmStart.await();
        assertThat(model.warmedWith()).isNull();
        warmStart.close();
        assertThat(ended).isTrue();
    }

    @Test
    void whatIsOfAnotherShapeIsIgnored() {
        file.holds = record(OTHER, 100);
        topic.holds = record(new Heat(4, 2, 1, new float[8]), 1);
        warmStart.await();
        assertThat(model.warmedWith()).isEqualTo(OTHER);
    }

    @Test
    void aStoreThatFailsOrHangsDoesNotHoldItUp() {
        file.holds = record(OTHER, 100);
        topic.hanging = true;
        warmStart.await();
        assertThat(model.warmedWith()).isEqualTo(OTHER);
        topic.hangs.countDown();
    }

    @Test
    void aStoreThatFailsLeavesTheOthers() {
        file.failure = new IOException("no disk");
        topic.holds = record(OTHER, 100);
        warmStart.await();
        assertThat(model.warmedWith()).isEqualTo(OTHER);
    }

    @Test
    void itIsReadyAfterTheTimeoutAndGoesOnReading() {
        CompletableFuture<Integer> reading = new CompletableFuture<>();
        model.warming(reading);
        file.holds = record(OTHER, 100);
        StoredWarmStart hasty = warmStart(Duration.ZERO);
        hasty.await();
        assertThat(reading).isNotDone();
        hasty.close();
        assertThat(reading).isCancelled();
    }

    @Test
    void anUnloadEndsTheWait() throws Exception {
        CompletableFuture<Integer> reading = new CompletableFuture<>();
        model.warming(reading);
        file.holds = record(OTHER, 100);
        Thread loader = new Thread(warmStart::await);
        loader.start();
        warmStart.cancel();
        loader.join();
        assertThat(model.warmedWith() == null || reading.isCancelled()).isTrue();
    }

    @Test
    void heatIsWrittenOnceItSaysSomethingAndAgainWhenItIsStale() throws Exception {
        use(100, 1);
        heat.look(stores);
        assertThat(topic.written).as("too few tokens").isEmpty();
        use(200, 1);
        heat.look(stores);
        assertThat(topic.written).hasSize(1);
        HeatRecord first = topic.written.get(0);
        assertThat(first.key()).isEqualTo(new HeatKey("demo", HeatJsonTest.PRINT));
        assertThat(first.at()).isEqualTo(NOW);
        assertThat(first.host()).isEqualTo("here");
        assertThat(first.heat().share(0, 1)).isEqualTo(1);
        use(100, 1);
        heat.look(stores);
        assertThat(topic.written).as("the same experts are hot").hasSize(1);
        use(1000, 2);
        heat.look(stores);
        assertThat(topic.written).hasSize(2);
        assertThat(file.written).hasSize(2);
    }

    @Test
    void whatFailedIsTriedAgainAndTheOtherStoreIsNot() throws Exception {
        topic.failure = new IOException("no broker");
        use(300, 1);
        heat.look(stores);
        heat.look(stores);
        assertThat(file.written).hasSize(1);
        topic.failure = null;
        heat.look(stores);
        assertThat(file.written).hasSize(1);
        assertThat(topic.written).hasSize(1);
    }

    @Test
    void theLastLookKeepsWhatIsNewOnce() throws Exception {
        use(300, 1);
        heat.look(stores);
        use(1, 1);
        heat.end(stores);
        heat.end(stores);
        heat.look(stores);
        assertThat(file.written).hasSize(2);
    }

    @Test
    void nothingIsKeptOfAModelThatDidNothing() throws Exception {
        file.holds = record(COLD_LAYER, 10);
        warmStart.await();
        heat.look(stores);
        assertThat(file.written).as("it has it").isEmpty();
        assertThat(topic.written).as("it has it not").hasSize(1);
        heat.end(stores);
        assertThat(file.written).isEmpty();
        assertThat(topic.written).hasSize(1);
    }

    @Test
    void aFewTokensDoNotReplaceWhatWasKnown() throws Exception {
        file.holds = record(COLD_LAYER, 10);
        topic.holds = record(COLD_LAYER, 10);
        warmStart.await();
        use(3, 2);
        heat.end(stores);
        assertThat(file.written.get(0).heat().tokens()).isGreaterThan(1000);
        assertThat(file.written.get(0).heat().hottest(1)).isEqualTo(COLD_LAYER.hottest(1));
        assertThat(file.written.get(0).heat().tokens()).isGreaterThan(Publication.LEAST_TOKENS);
    }
}
