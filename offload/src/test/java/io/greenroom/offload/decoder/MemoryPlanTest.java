package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.SlotPlan;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class MemoryPlanTest {

    private static final ModelSpec SPEC = Specs.tiny();
    private static final SlotPlan SLOTS = new SlotPlan(66_000, 8192, 8);
    private static final long DENSE = 1 << 20;
    private static final long PLENTY = 1L << 32;

    @Test
    void expertsGetWhatIsLeft() {
        AtomicLong left = new AtomicLong();
        MemoryPlan plan =
                MemoryPlan.of(
                        SPEC,
                        options(0),
                        DENSE,
                        PLENTY,
                        bytes -> {
                            left.set(bytes);
                            return SLOTS;
                        });
        assertThat(plan.experts()).isSameAs(SLOTS);
        assertThat(plan.totalExperts()).as("the first layer is dense").isEqualTo(16);
        assertThat(plan.arenaBytes()).isEqualTo(8 * 8192);
        assertThat(DENSE + plan.kvBytes() + plan.scratch().bytes() + left.get()).isEqualTo(PLENTY);
    }

    @Test
    void nothingIsLeftRatherThanLess() {
        MemoryPlan.of(
                SPEC,
                options(0),
                DENSE,
                DENSE,
                left -> {
                    assertThat(left).isZero();
                    return SLOTS;
                });
    }

    @Test
    void theContextIsTheModelsOwnCappedOrTheOperators() {
        assertThat(plan(0, PLENTY).contextLength()).isEqualTo(128);
        assertThat(plan(100, PLENTY).contextLength()).isEqualTo(100);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plan(129, PLENTY))
                .withMessage(
                        "A context of 129 tokens was asked for, the model knows 128; lower the"
                                + " context length");
    }

    @Test
    void theKvCacheHoldsAContextForEachRequestIfMemoryAllows() {
        assertThat(plan(0, PLENTY).kvPages()).isEqualTo(3 * 4);
        assertThat(plan(0, 1 << 16).kvPages()).isEqualTo(4);
    }

    @Test
    void warnsWhenTheModelTakesMoreThanThereIs() {
        MemoryPlan plan = plan(0, PLENTY);
        assertThat(plan.totalBytes())
                .isEqualTo(DENSE + plan.kvBytes() + plan.scratch().bytes() + 8 * 8192);
        assertThat(plan.warning(plan.totalBytes())).isEmpty();
        assertThat(plan.warning(1 << 20).orElseThrow())
                .startsWith("this model takes 1.2 MiB, but only 1.0 MiB are left")
                .contains("lower the expert budget, the context length or the Java heap");
    }

    @Test
    void printsOneLineInHumanUnits() {
        assertThat(plan(0, PLENTY).toString())
                .startsWith("8 of 16 experts resident in 64.0 KiB (budget 64.5 KiB, slot 8.0 KiB)")
                .contains("dense weights 1.0 MiB, KV cache 144.0 KiB, scratch ")
                .endsWith("context 128");
    }

    private static MemoryPlan plan(int contextLength, long available) {
        return MemoryPlan.of(SPEC, options(contextLength), DENSE, available, left -> SLOTS);
    }

    private static ModelOptions options(int contextLength) {
        return ModelOptions.builder()
                .prefetch(ModelOptions.Prefetch.OFF)
                .contextLength(contextLength)
                .maxConcurrent(3)
                .maxQueued(3)
                .prefillChunk(16)
                .threads(1)
                .directIo(false)
                .build();
    }
}
