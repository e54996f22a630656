package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.greenroom.cache.CacheStats;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.MoeModel;
import org.junit.jupiter.api.Test;

class GenerationFiguresTest {

    @Test
    void figuresAreWhatTheRequestAdded() {
        GenerationFigures figures =
                GenerationFigures.between(
                        status(100, 50, 10, 10, 1000, 5),
                        status(110, 70, 40, 20, 1000 + (3 << 20), 500_000_005L),
                        2_000_000_000L,
                        RoutingDial.EXACT,
                        RoutingCost.NONE,
                        null);

        assertThat(figures.tokensPerSecond()).isEqualTo(10);
        assertThat(figures.hitRate()).isEqualTo(0.75);
        assertThat(figures.inWords())
                .isEqualTo(
                        "20 tokens after 10 in 2.00 s (10.0 tokens/s), 75.0 % of experts found in"
                                + " memory, 3.0 MiB read, 0.50 s stalled");
        JsonObject json = new JsonObject();
        figures.addTo(json);
        assertThat(json.get("bytes_read").getAsLong()).isEqualTo(3 << 20);
        assertThat(json.get("stall_seconds").getAsDouble()).isEqualTo(0.5);
        assertThat(json.get("routing").getAsString()).isEqualTo("exact");
    }

    @Test
    void routingThatIsNotExactSaysWhatItCost() {
        GenerationFigures figures =
                GenerationFigures.between(
                        status(0, 0, 0, 0, 0, 0),
                        status(10, 20, 30, 10, 1 << 20, 0),
                        1_000_000_000L,
                        RoutingDial.parse("biased:0.2"),
                        new RoutingCost(80, 8, 0, 10, 0.5),
                        null);

        assertThat(figures.inWords())
                .isEqualTo(
                        "20 tokens after 10 in 1.00 s (20.0 tokens/s), 75.0 % of experts found in"
                                + " memory, 1.0 MiB read, 0.00 s stalled; routing biased:0.2 altered"
                                + " 10.0 % of choices, 5.0 % of router weight lost");
        JsonObject json = new JsonObject();
        figures.addTo(json);
        assertThat(json.get("routing").getAsString()).isEqualTo("biased:0.2");
        assertThat(json.get("selections").getAsLong()).isEqualTo(80);
        assertThat(json.get("altered_selections").getAsLong()).isEqualTo(8);
        assertThat(json.get("lost_router_weight").getAsDouble()).isEqualTo(0.5);
        assertThat(json.get("lost_router_weight_share").getAsDouble()).isEqualTo(0.05);
    }

    @Test
    void mixedPrecisionSaysWhatItChanged() {
        GenerationFigures figures =
                GenerationFigures.between(
                        status(0, 0, 0, 0, 0, 0),
                        status(10, 20, 30, 10, 1 << 20, 0),
                        1_000_000_000L,
                        RoutingDial.EXACT,
                        RoutingCost.NONE,
                        new PrecisionCost(80, 8, 4, 10, 0.25, 3 << 20));

        assertThat(figures.inWords())
                .endsWith(
                        "0.00 s stalled; 10.0 % of choices in low precision, 5.0 % skipped, 3.0 MiB"
                                + " not read");
        JsonObject json = new JsonObject();
        figures.addTo(json);
        JsonObject mixed = json.getAsJsonObject("mixed_precision");
        assertThat(mixed.get("selections").getAsLong()).isEqualTo(80);
        assertThat(mixed.get("low_bit_selections").getAsLong()).isEqualTo(8);
        assertThat(mixed.get("skipped_selections").getAsLong()).isEqualTo(4);
        assertThat(mixed.get("skipped_router_weight_share").getAsDouble()).isEqualTo(0.025);
        assertThat(mixed.get("saved_bytes").getAsLong()).isEqualTo(3 << 20);
    }

    @Test
    void nothingDoneIsNothing() {
        MoeModel.Status status = status(1, 1, 1, 1, 1, 1);
        GenerationFigures figures =
                GenerationFigures.between(
                        status, status, 0, RoutingDial.EXACT, RoutingCost.NONE, null);

        assertThat(figures.tokensPerSecond()).isZero();
        assertThat(figures.hitRate()).isZero();
    }

    private static MoeModel.Status status(
            long tokensIn, long tokensOut, long hits, long misses, long bytes, long stall) {
        CacheStats cache = new CacheStats(hits, misses, misses, 0, 0, bytes, 0, 0, 0, 0, stall);
        return new MoeModel.Status(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, tokensIn, tokensOut, cache);
    }
}
