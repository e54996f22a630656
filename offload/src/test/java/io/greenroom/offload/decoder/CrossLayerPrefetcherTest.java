package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.predict.CrossLayerGatePredictor;
import io.greenroom.gating.predict.PrefetchAudit;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.JavaKernels;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeMemory;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CrossLayerPrefetcherTest {

    private static final int EXPERTS = 4;
    private static final int TOTAL = 8;

    private final Kernels kernels = new JavaKernels();
    private final FakeCache cache = new FakeCache();
    private final Activations input = activations(3, 2);

    /** Layers 0 and 2 have experts, layer 1 is dense, layer 3 has experts again. */
    private CrossLayerPrefetcher prefetcher(@Nullable PrefetchAudit audit) {
        // Expert e of layer 3 scores e * x[0] + x[1] * (e == 0).
        WeightMatrix router = router(0, 1, 1, 0, 2, 0, 3, 0);
        return new CrossLayerPrefetcher(
                new @Nullable WeightMatrix[] {router, null, router, router},
                new CrossLayerGatePredictor(EXPERTS, 2, CrossLayerGatePredictor.Across.MAX),
                cache,
                kernels,
                activations(2, EXPERTS),
                3,
                TOTAL,
                audit);
    }

    @Test
    void hintsWhatTheNextRouterChoosesBestFirstWithoutResidents() {
        kernels.write(new float[] {1, 0, 0, 9, 0, 0}, 3, input);
        CrossLayerPrefetcher prefetcher = prefetcher(null);

        prefetcher.afterDemand(2, input, 1);
        assertThat(cache.hints).containsExactly(new ExpertId(3, 3), new ExpertId(3, 2));

        cache.hints.clear();
        cache.resident.add(new ExpertId(3, 3));
        prefetcher.afterDemand(2, input, 2);
        assertThat(cache.hints)
                .as("the second row is certain of expert 0")
                .startsWith(new ExpertId(3, 0))
                .contains(new ExpertId(3, 2))
                .doesNotContain(new ExpertId(3, 3));
    }

    @Test
    void saysNothingForDenseLayersTheEndAndLargeBatches() {
        CrossLayerPrefetcher prefetcher = prefetcher(null);
        prefetcher.afterDemand(0, input, 1);
        prefetcher.afterDemand(3, input, 1);
        prefetcher.afterDemand(2, input, 3);
        assertThat(cache.hints).isEmpty();
    }

    @Test
    void measuresHowWellItForesaw() {
        kernels.write(new float[] {1, 0}, 1, input);
        CrossLayerPrefetcher prefetcher = prefetcher(null);
        prefetcher.afterDemand(2, input, 1);
        prefetcher.routed(3, decision(3, 0));
        assertThat(prefetcher.report().recall().chosen()).isEqualTo(2);
        assertThat(prefetcher.report().recall().atK()).isEqualTo(0.5);
        assertThat(prefetcher.report().on()).isTrue();

        prefetcher.routed(3, decision(3, 0)); // nothing was predicted for this one
        assertThat(prefetcher.report().recall().chosen()).isEqualTo(2);
    }

    @Test
    void stopsWhileTheAuditSaysSo() {
        kernels.write(new float[] {1, 0}, 1, input);
        CrossLayerPrefetcher prefetcher = prefetcher(new PrefetchAudit(10, 0.5, 2, stats(0, 0, 0)));
        cache.stats = stats(10, 10, 5); // ten prefetched, none useful
        prefetcher.stepDone();
        prefetcher.afterDemand(2, input, 1);
        assertThat(cache.hints).isEmpty();
        assertThat(prefetcher.report().on()).isFalse();
        assertThat(prefetcher.report().reason()).contains("0 of 10 prefetched experts were useful");

        prefetcher.stepDone();
        prefetcher.stepDone();
        prefetcher.afterDemand(2, input, 1);
        assertThat(cache.hints).as("a new trial").isNotEmpty();
    }

    @Test
    void restsWhenEveryExpertIsResident() {
        kernels.write(new float[] {1, 0}, 1, input);
        CrossLayerPrefetcher prefetcher = prefetcher(null);
        cache.stats = stats(0, TOTAL + 3, 3);
        prefetcher.stepDone();
        prefetcher.afterDemand(2, input, 1);
        assertThat(cache.hints).isEmpty();
    }

    private static RoutingDecision decision(int... experts) {
        return new RoutingDecision(1, experts.length, experts, new float[experts.length]);
    }

    private static CacheStats stats(long prefetchIssued, long loads, long evictions) {
        return new CacheStats(0, 0, loads, 0, evictions, 0, prefetchIssued, 0, 0, 0, 0);
    }

    private static WeightMatrix router(float... weights) {
        NativeMemory memory =
                new DirectMemory(MemoryTag.DENSE_WEIGHTS, (long) weights.length * Float.BYTES);
        FloatBuffer floats = memory.buffer(0, weights.length * Float.BYTES).asFloatBuffer();
        floats.put(weights);
        return new WeightMatrix(memory, 0, TensorType.F32, EXPERTS, weights.length / EXPERTS);
    }

    private static Activations activations(int rows, int cols) {
        long bytes = (long) rows * cols * Float.BYTES;
        return new Activations(new DirectMemory(MemoryTag.ACTIVATIONS, bytes), 0, rows, cols);
    }

    /** Notes hints. */
    private static final class FakeCache implements ExpertCache {

        private final List<ExpertId> hints = new ArrayList<>();
        private final Set<ExpertId> resident = new HashSet<>();
        private CacheStats stats = CrossLayerPrefetcherTest.stats(0, 0, 0);

        @Override
        public ExpertVisit visit(int layer, int[] experts) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean prefetch(ExpertId id) {
            return hints.add(id);
        }

        @Override
        public boolean isResident(ExpertId id) {
            return resident.contains(id);
        }

        @Override
        public void residentsOf(int layer, BitSet into) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Collection<ExpertId> residents() {
            return resident;
        }

        @Override
        public void expireHints(int layer) {}

        @Override
        public CompletableFuture<Integer> warm(Collection<ExpertId> hottestFirst) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean swap(ExpertId in, ExpertId out) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void observed(int layer, float[] scores) {}

        @Override
        public CompletableFuture<Integer> resize(int slots) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int slots() {
            return TOTAL;
        }

        @Override
        public int capacity() {
            return TOTAL;
        }

        @Override
        public int floor() {
            return 1;
        }

        @Override
        public CacheStats stats() {
            return stats;
        }

        @Override
        public void close() {}
    }
}
