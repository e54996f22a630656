package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertBudget;
import java.util.concurrent.CompletableFuture;

/**
 * What a change of a model's expert budget comes to.
 *
 * @param budget as asked for
 * @param before what was in force
 * @param after what is to be; a smaller budget is in force once {@code reached} is complete
 * @param reached completes with the number of slots when experts take no more than that and the
 *     memory of the others is the system's again, and exceptionally if another change or an unload
 *     came between
 */
public record BudgetChange(
        ExpertBudget budget, Size before, Size after, CompletableFuture<Integer> reached) {

    /**
     * A budget in numbers.
     *
     * @param bytes what experts may take
     * @param slots experts that fit, at most all there are
     */
    public record Size(long bytes, int slots) {}
}
