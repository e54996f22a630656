package io.greenroom.plugin.heat;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import io.greenroom.cache.CacheStats;
import io.greenroom.offload.decoder.LogitsEvaluator;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.Models;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Models that are loaded one after the other, with a folder between them. */
@Timeout(120)
class HeatKeeperTest {

    private static final Path CHECKPOINT =
            Path.of("..", "integration-tests", "src", "test", "resources", "fixtures")
                    .resolve("qwen3moe-q8_0");

    @TempDir private Path folder;

    private HeatKeeper keeper(Path dir) {
        HeatSettings settings =
                new HeatSettings(
                        true, Duration.ofHours(1), Duration.ofSeconds(30), Duration.ofSeconds(60));
        return new HeatKeeper(settings, List.of(new FileHeatStore(dir)), Clock.systemUTC());
    }

    private static MoeEngineModel load(HeatKeeper keeper) throws Exception {
        MoeEngine engine =
                new MoeEngine(
                        Models.services(
                                (path, options) -> MoeModels.load(path, options, (done, all) -> {}),
                                new PluginSettings(),
                                keeper));
        Model model = engine.newModel("fixture", null);
        model.load(CHECKPOINT, null, Map.of("expert_budget", "50%", "prefetch", "off"));
        return (MoeEngineModel) model;
    }

    private static float[][] evaluate(MoeEngineModel model, int seed) {
        int vocabulary = model.moe().checkpoint().spec().vocabulary();
        int[] text = new Random(seed).ints(60, 0, vocabulary).toArray();
        return ((LogitsEvaluator) model.moe()).evaluate(text);
    }

    @Test
    void theSecondModelBeginsWithWhatTheFirstUsed() throws Exception {
        HeatKeeper before = keeper(folder);
        try (MoeEngineModel first = load(before)) {
            assertThat(first.moe().status().residentExperts()).isZero();
            for (int i = 0; i < 5; i++) {
                evaluate(first, i);
            }
        }
        before.close(); // an unload may go on behind close; this waits for it
        float[][] warmLogits;
        CacheStats warm;
        try (MoeEngineModel second = load(keeper(folder))) {
            CacheStats atReady = second.moe().status().cache();
            assertThat(atReady.background().warmed())
                    .isEqualTo(second.moe().status().residentExperts())
                    .isPositive()
                    .isLessThanOrEqualTo(second.moe().status().slots());
            assertThat(atReady.hits() + atReady.misses()).isZero();
            warmLogits = evaluate(second, 9);
            warm = second.moe().status().cache();
        }
        try (MoeEngineModel third = load(keeper(folder.resolve("other")))) {
            assertThat(third.moe().status().cache().background().warmed()).isZero();
            assertThat(evaluate(third, 9)).isDeepEqualTo(warmLogits);
            assertThat(third.moe().status().cache().misses()).isGreaterThan(warm.misses());
        }
    }

    @Test
    void closingTheKeeperKeepsWhatIsStillLoaded() throws Exception {
        HeatKeeper keeper = keeper(folder);
        try (MoeEngineModel model = load(keeper)) {
            for (int i = 0; i < 5; i++) {
                evaluate(model, i);
            }
            keeper.close();
            keeper.close();
            try (Stream<Path> files = Files.list(folder)) {
                assertThat(files).hasSize(1);
            }
        }
    }

    @Test
    void whoMayNotPublishReadsAllTheSame() throws Exception {
        HeatKeeper before = keeper(folder);
        try (MoeEngineModel first = load(before)) {
            for (int i = 0; i < 5; i++) {
                evaluate(first, i);
            }
        }
        before.close();
        FakeStore store = new FakeStore("topic t");
        try (Stream<Path> files = Files.list(folder)) {
            store.holds = HeatJson.read(Files.readAllBytes(files.findFirst().orElseThrow()));
        }
        HeatSettings reading =
                new HeatSettings(
                        false, Duration.ofHours(1), Duration.ofSeconds(30), Duration.ofSeconds(60));
        HeatKeeper keeper = new HeatKeeper(reading, List.of(store), Clock.systemUTC());
        try (MoeEngineModel model = load(keeper)) {
            assertThat(model.moe().status().cache().background().warmed()).isPositive();
            evaluate(model, 1);
        }
        keeper.close();
        assertThat(store.written).isEmpty();
        assertThat(store.closed).isTrue();
    }
}
