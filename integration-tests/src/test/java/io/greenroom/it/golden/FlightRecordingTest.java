package io.greenroom.it.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.it.server.ServerClient;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.store.Checkpoints;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The demo model's flight events, as a stream hears them, are its counters. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class FlightRecordingTest {

    private static final Path MODEL = Path.of("demo-model", "greenroom-demo-q8_0.gguf");
    private static final String[] EVENTS = {
        "greenroom.ExpertMiss",
        "greenroom.ExpertEviction",
        "greenroom.ExpertPrefetch",
        "greenroom.BudgetChange"
    };

    private final Map<String, LongAdder> heard = new ConcurrentHashMap<>();
    private final LongAdder stallNanos = new LongAdder();

    @Test
    void everyEventIsHeardOnce() throws Exception {
        ServingModel model =
                Decoding.load(Checkpoints.open(MODEL), "30%", ModelOptions.Prefetch.ON, 16);
        try (RecordingStream stream = new RecordingStream()) {
            for (String event : EVENTS) {
                stream.enable(event).withoutThreshold();
                stream.onEvent(event, this::hear);
            }
            stream.startAsync();
            for (int seed = 1; seed <= 3; seed++) {
                var unused = Decoding.generate(model, new int[] {seed, 2 * seed, 7}, 24, Set.of());
                model.setBudget(ExpertBudget.parse(seed % 2 == 1 ? "50%" : "25%"))
                        .reached()
                        .get(60, TimeUnit.SECONDS);
            }
            model.close();
            CacheStats stats = model.status().cache();
            long expected =
                    stats.misses()
                            + stats.evictions()
                            + stats.prefetchIssued()
                            + stats.background().resizes();
            assertThat(expected).isPositive();
            ServerClient.await(
                    "the last flush of the stream",
                    () ->
                            count("greenroom.ExpertMiss")
                                            + count("greenroom.ExpertEviction")
                                            + count("ISSUED")
                                            + count("greenroom.BudgetChange")
                                    >= expected);

            assertThat(count("greenroom.ExpertMiss")).isEqualTo(stats.misses()).isPositive();
            assertThat(stallNanos.sum()).isEqualTo(stats.stallNanos());
            assertThat(count("greenroom.ExpertEviction")).isEqualTo(stats.evictions()).isPositive();
            assertThat(count("greenroom.BudgetChange"))
                    .isEqualTo(stats.background().resizes())
                    .isEqualTo(3);
            assertThat(count("ISSUED")).isEqualTo(stats.prefetchIssued()).isPositive();
            assertThat(count("USED")).isEqualTo(stats.prefetchUseful());
            assertThat(count("LATE")).isEqualTo(stats.prefetchLate());
            assertThat(count("WASTED")).isEqualTo(stats.prefetchWasted());
            assertThat(count("CALLED_OFF")).isEqualTo(stats.background().hintsCancelled());
        }
    }

    private void hear(RecordedEvent event) {
        String name = event.getEventType().getName();
        add(name);
        if (name.equals("greenroom.ExpertPrefetch")) {
            add(event.getString("stage"));
        } else if (name.equals("greenroom.ExpertMiss")) {
            stallNanos.add(event.getDuration("stall").toNanos());
        }
    }

    private void add(String what) {
        heard.computeIfAbsent(what, any -> new LongAdder()).increment();
    }

    private long count(String what) {
        LongAdder count = heard.get(what);
        return count == null ? 0 : count.sum();
    }
}
