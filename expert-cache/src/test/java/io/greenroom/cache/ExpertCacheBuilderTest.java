package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ExpertCacheBuilderTest {

    private static final ExpertLoader LOADER =
            (id, slot, priority) -> CompletableFuture.completedFuture(null);

    @Test
    void shapeAndSlotsMustBeGiven() {
        for (ExpertCacheBuilder builder :
                new ExpertCacheBuilder[] {
                    ExpertCache.builder(LOADER).slots(4), ExpertCache.builder(LOADER).shape(1, 1)
                }) {
            assertThatThrownBy(builder::build)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("An expert cache needs shape(layers, experts) and slots(count)");
        }
    }

    @Test
    void numbersAreAtLeastOne() {
        assertThatThrownBy(() -> ExpertCache.builder(LOADER).slots(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("An expert cache needs at least 1 for slots, got 0");
        assertThatThrownBy(() -> ExpertCache.builder(LOADER).shape(0, 4))
                .hasMessageContaining("layers");
        assertThatThrownBy(() -> ExpertCache.builder(LOADER).shape(4, -1))
                .hasMessageContaining("experts per layer");
        assertThatThrownBy(() -> ExpertCache.builder(LOADER).floor(0))
                .hasMessageContaining("floor");
        assertThatThrownBy(() -> ExpertCache.builder(LOADER).inFlight(0))
                .hasMessageContaining("loads in flight");
        assertThatThrownBy(() -> ExpertCache.builder(LOADER).maxPrefetch(0))
                .hasMessageContaining("prefetches");
        assertThatThrownBy(() -> ExpertCache.builder(LOADER).loadTimeout(Duration.ZERO))
                .hasMessage("The load timeout must be above 0, got PT0S");
    }

    @Test
    void aListenerThatThrowsIsHarmless() throws Exception {
        ExpertCache cache =
                ExpertCache.builder(LOADER)
                        .shape(1, 4)
                        .slots(1)
                        .listener(
                                (event, id, slot) -> {
                                    throw new IllegalStateException("on purpose");
                                })
                        .build();
        try (ExpertVisit visit = cache.visit(0, new int[] {3, 1})) {
            for (int count = 0; count < 2; count++) {
                try (ExpertLease lease = visit.next()) {
                    assertThat(lease.slot()).isZero();
                }
            }
            assertThat(visit.next()).isNull();
        }
        assertThat(cache.slots()).isEqualTo(1);
        cache.close();
    }
}
