package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertBudget;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

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

    /**
     * Waits until the change is in force.
     *
     * @param patience longest wait
     * @return false if it was not in force by then; experts are still leaving
     * @throws CancellationException if another change or an unload came between; the message says
     */
    public boolean await(Duration patience) {
        try {
            reached.copy().orTimeout(patience.toNanos(), TimeUnit.NANOSECONDS).join();
            return true;
        } catch (CompletionException e) {
            if (e.getCause() instanceof TimeoutException) {
                return false;
            }
            throw superseded(e.getCause() == null ? e : e.getCause());
        } catch (CancellationException e) {
            throw superseded(e);
        }
    }

    private static CancellationException superseded(Throwable reason) {
        CancellationException superseded = new CancellationException(reason.getMessage());
        superseded.initCause(reason);
        return superseded;
    }
}
