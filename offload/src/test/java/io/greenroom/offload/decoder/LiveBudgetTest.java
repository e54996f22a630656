package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.BudgetExceededException;
import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.SharedBudget;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.InsufficientBudgetException;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The budget of loaded models changes: 36 experts in slots of 28 KiB, two of them per token. */
@Timeout(120)
class LiveBudgetTest {

    private static final int EXPERTS = 36;

    @TempDir private Path folder;

    private final ModelHarness harness = new ModelHarness();
    private Checkpoint checkpoint;
    private long slot;

    @BeforeEach
    void write() throws Exception {
        TinyModel tiny = new TinyModel(Family.OLMOE, 3, 64, 32, 12, 48, TensorType.F32, 5);
        checkpoint = Checkpoints.open(tiny.gguf().write(folder.resolve("tiny.gguf")));
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            slot = model.status().slotBytes();
        }
    }

    @AfterEach
    void allMemoryCameHome() {
        harness.close();
    }

    @Test
    void memoryFollowsTheBudget() throws Exception {
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            float[][] expected = model.evaluate(prompt());
            long before = harness.expertBytes();
            assertThat(before).isGreaterThan(20 * slot);

            BudgetChange less = model.setBudget(ExpertBudget.parse("25%"));
            assertThat(less.reached().get(60, TimeUnit.SECONDS)).isEqualTo(9);
            assertThat(less.before()).isEqualTo(new BudgetChange.Size(36 * slot, 36));
            assertThat(less.after()).isEqualTo(new BudgetChange.Size(9 * slot, 9));
            assertThat(harness.expertBytes()).isLessThanOrEqualTo(9 * slot);
            assertThat(model.evaluate(prompt())).isDeepEqualTo(expected);
            assertThat(model.status().slots()).isEqualTo(9);
            assertThat(model.status().budgetBytes()).isEqualTo(9 * slot);
            assertThat(model.budget()).hasToString("25%");
            assertThat(harness.expertBytes()).isEqualTo(9 * slot);

            BudgetChange more =
                    model.setBudget(new ExpertBudget.Fixed(new ByteSize(20 * slot + 5)));
            assertThat(more.reached()).isCompletedWithValue(20);
            assertThat(more.after()).isEqualTo(new BudgetChange.Size(20 * slot + 5, 20));
            assertThat(model.evaluate(prompt())).isDeepEqualTo(expected);
            assertThat(harness.expertBytes()).isEqualTo(20 * slot);
            assertThat(model.setBudget(ExpertBudget.AUTO).after().slots()).isEqualTo(EXPERTS);
        }
    }

    @Test
    void theLimitsOfTheBudgetAndWhoIsInMemoryAreTold() throws Exception {
        ModelOptions options =
                ModelHarness.builder("25%").budgetFloor(ExpertBudget.parse("20%")).build();
        try (ServingModel model = harness.load(checkpoint, options)) {
            assertThat(model.budgetRange().floor()).isEqualTo(new BudgetChange.Size(8 * slot, 8));
            assertThat(model.budgetRange().ceiling())
                    .isEqualTo(new BudgetChange.Size(EXPERTS * slot, EXPERTS));
            assertThat(model.residency().resident().isEmpty()).isTrue();

            model.evaluate(prompt());

            Residency now = model.residency();
            assertThat(now.layers()).isEqualTo(3);
            assertThat(now.experts()).isEqualTo(12);
            assertThat(now.routed().cardinality()).isEqualTo(3);
            assertThat(now.copies().isEmpty()).isTrue();
            assertThat(now.resident().cardinality())
                    .isEqualTo(model.status().residentExperts())
                    .isBetween(1, 9);
            int at = now.resident().nextSetBit(0);
            assertThat(now.isResident(at / 12, at % 12)).isTrue();
            assertThat(now.hasCopy(at / 12, at % 12)).isFalse();
        }
    }

    @Test
    void impossibleBudgetsAreRefusedAndChangeNothing() throws Exception {
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("50%"))) {
            assertThatThrownBy(() -> model.setBudget(ExpertBudget.parse("1 KiB")))
                    .isInstanceOf(InsufficientBudgetException.class)
                    .hasMessageContaining("but one token needs 2 at once")
                    .hasMessageContaining("The smallest budget that works is " + 2 * slot);
            assertThat(model.budget()).hasToString("50%");
            assertThat(model.status().slots()).isEqualTo(18);
        }
    }

    @Test
    void theOperatorsFloorHolds() throws Exception {
        ModelOptions options =
                ModelHarness.builder("50%").budgetFloor(ExpertBudget.parse("20%")).build();
        try (ServingModel model = harness.load(checkpoint, options)) {
            assertThatThrownBy(() -> model.setBudget(ExpertBudget.parse("15%")))
                    .isInstanceOf(InsufficientBudgetException.class)
                    .hasMessageContaining("(5 experts) is below the floor of 8 experts")
                    .hasMessageContaining("The smallest budget that works is " + 8 * slot);
            assertThat(model.setBudget(ExpertBudget.parse("25%")).reached())
                    .isCompletedWithValue(9);
        }
        ModelOptions contradiction =
                ModelHarness.builder("10%").budgetFloor(ExpertBudget.parse("20%")).build();
        assertThatThrownBy(() -> harness.load(checkpoint, contradiction))
                .isInstanceOf(InsufficientBudgetException.class)
                .hasMessageContaining("(3 experts) is below the floor of 8 experts");
    }

    @Test
    void modelsShareATotal() throws Exception {
        SharedBudget total = new SharedBudget(new ByteSize(40 * slot));
        harness.total(total);
        try (ServingModel first = harness.load(checkpoint, ModelHarness.options("100%"))) {
            float[][] expected = first.evaluate(prompt());
            assertThat(first.status().slots()).isEqualTo(36);
            ModelOptions heavy = ModelHarness.builder("auto").budgetWeight(3).build();
            try (ServingModel second = harness.load(checkpoint, heavy)) {
                assertThat(first.status().slots()).isEqualTo(10);
                assertThat(second.status().slots()).isEqualTo(30);
                assertThat(second.status().budgetBytes()).isEqualTo(30 * slot);
                assertThat(total.used().bytes()).isEqualTo(40 * slot);
                assertThat(first.evaluate(prompt())).isDeepEqualTo(expected);
                assertThat(second.evaluate(prompt())).isDeepEqualTo(expected);
                assertThat(harness.expertBytes()).isLessThanOrEqualTo(40 * slot);

                assertThatThrownBy(() -> first.setBudget(ExpertBudget.parse("50%")))
                        .isInstanceOf(BudgetExceededException.class)
                        .hasMessageContaining("(10 experts) for tiny.gguf")
                        .hasMessageContaining("(18 experts) were asked for");
                assertThat(second.setBudget(ExpertBudget.parse("50%")).reached())
                        .isCompletedWithValue(18);
                assertThat(first.status().slots()).isEqualTo(22);
            }
            assertThat(first.status().slots()).isEqualTo(36);
            assertThat(first.evaluate(prompt())).isDeepEqualTo(expected);
        }
        assertThat(total.used()).isEqualTo(new ByteSize(0));
    }

    @Test
    void aModelWhoseFloorDoesNotFitIsNotLoaded() throws Exception {
        SharedBudget total = new SharedBudget(new ByteSize(20 * slot));
        harness.total(total);
        ModelOptions high =
                ModelHarness.builder("100%").budgetFloor(ExpertBudget.parse("50%")).build();
        try (ServingModel first = harness.load(checkpoint, high)) {
            assertThat(first.status().slots()).isEqualTo(20);
            assertThatThrownBy(() -> harness.load(checkpoint, high))
                    .isInstanceOf(BudgetExceededException.class)
                    .hasMessageContaining("the models cannot do with less than these: tiny.gguf ");
            assertThat(first.status().slots()).isEqualTo(20);
        }
    }

    private static int[] prompt() {
        return ModelHarness.prompt(1, 40, 48);
    }
}
