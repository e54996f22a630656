package io.greenroom.offload.decoder;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.SharedBudget;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.InsufficientBudgetException;
import io.greenroom.offload.store.SlotPlan;
import java.util.function.LongSupplier;

/**
 * The expert budget of a loaded model, which changes while it runs. Thread-safe; changes are made
 * one after another.
 */
final class ModelBudget {

    private final ExpertLayout layout;
    private final HeldSlots held;
    private final SharedBudget.Share share;
    private final Floor floor;
    private final LongSupplier left;
    private ExpertBudget asked;
    private SlotPlan plan; // what was asked for, alone in the world

    /**
     * The fewest experts a model must have room for.
     *
     * @param perToken what one token needs at once
     * @param slots at least as many; more if the operator set a floor
     */
    record Floor(int perToken, int slots) {}

    /**
     * @param share of the budget of all models
     * @param left bytes this process leaves for these experts; only "auto" looks at it
     * @param plan what {@code asked} came to at load
     */
    ModelBudget(
            ExpertLayout layout,
            HeldSlots held,
            SharedBudget.Share share,
            Floor floor,
            LongSupplier left,
            ExpertBudget asked,
            SlotPlan plan) {
        this.layout = layout;
        this.held = held;
        this.share = share;
        this.floor = floor;
        this.left = left;
        this.asked = asked;
        this.plan = plan;
    }

    /**
     * Turns a floor as the operator wrote it into slots.
     *
     * @param written size or share that the model must never fall below, or "auto" for what one
     *     token needs
     * @param slots of the model's own budget
     * @throws InsufficientBudgetException if the budget is below it
     */
    static Floor floor(ExpertBudget written, ExpertLayout layout, int perToken, int slots) {
        if (written instanceof ExpertBudget.Auto) {
            return new Floor(perToken, perToken);
        }
        long bytes = written.resolve(layout.allExpertBytes(), 0);
        long atLeast = (bytes + layout.slotBytes() - 1) / layout.slotBytes();
        int floor = (int) Math.max(perToken, Math.min(atLeast, layout.experts()));
        if (slots < floor) {
            throw belowFloor(layout, slots, floor);
        }
        return new Floor(perToken, floor);
    }

    /**
     * Gives this model another budget.
     *
     * @throws InsufficientBudgetException if it is below the floor, with the smallest that works
     * @throws io.greenroom.cache.BudgetExceededException if other models have a right to a part of
     *     it, with the numbers
     * @throws IllegalArgumentException if the system reserves no addresses for so many experts
     */
    synchronized BudgetChange set(ExpertBudget budget) {
        SlotPlan wanted = plan.changed(budget, layout, floor.perToken(), left.getAsLong());
        if (wanted.slots() < floor.slots()) {
            throw belowFloor(layout, wanted.slots(), floor.slots());
        }
        if (wanted.slots() > held.cache().capacity()) {
            throw new IllegalArgumentException(
                    "The operating system refused addresses for more than "
                            + held.cache().capacity()
                            + " experts when this model was loaded, "
                            + wanted.slots()
                            + " were asked for; load the model anew with this budget");
        }
        BudgetChange.Size before = size();
        boolean whole = !(budget instanceof ExpertBudget.Auto);
        var reached = share.change(wanted.slots(), whole);
        asked = budget;
        plan = wanted;
        return new BudgetChange(budget, before, planned(), reached);
    }

    /** As the operator wrote it. */
    synchronized ExpertBudget asked() {
        return asked;
    }

    /** What is in force: while experts have to leave, what they still take. */
    synchronized BudgetChange.Size size() {
        BudgetChange.Size planned = planned();
        int slots = held.cache().slots();
        return new BudgetChange.Size(Math.max(planned.bytes(), held.bytes()), slots);
    }

    /** Bytes of the slots in force, of experts and of copies. */
    synchronized long arenaBytes() {
        return Math.max(planned().bytes(), held.bytes());
    }

    /** From the floor to all experts, as far as the system reserved addresses for them. */
    synchronized BudgetRange range() {
        int most = Math.min(layout.experts(), held.cache().capacity());
        return new BudgetRange(sizeOf(floor.slots()), sizeOf(most));
    }

    private BudgetChange.Size sizeOf(int slots) {
        return new BudgetChange.Size(plan.arenaBytes(slots), slots);
    }

    long slotBytes() {
        return layout.slotBytes();
    }

    /** What this model may have of what it asked for. */
    private BudgetChange.Size planned() {
        SlotPlan granted = plan.withSlots(Math.min(plan.slots(), share.slots()));
        return new BudgetChange.Size(granted.budgetBytes(), granted.slots());
    }

    private static InsufficientBudgetException belowFloor(
            ExpertLayout layout, int slots, int floor) {
        return new InsufficientBudgetException(
                "A budget of "
                        + new ByteSize(layout.slotBytes() * slots)
                        + " ("
                        + slots
                        + " experts) is below the floor of "
                        + floor
                        + " experts that was set for this model. The smallest budget that works is "
                        + layout.slotBytes() * floor
                        + " bytes ("
                        + new ByteSize(layout.slotBytes() * floor)
                        + ")");
    }
}
