package io.greenroom.cache;

import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One visit to a set of experts of one layer: every expert is handed out exactly once, resident
 * ones first, the others as their bytes arrive, so that work on what is there overlaps the reading
 * of what is not.
 *
 * <p>A visit may name more experts than the cache has slots; then later experts are read as earlier
 * leases close. It therefore needs its caller to close each lease before long.
 *
 * <pre>{@code
 * try (ExpertVisit visit = cache.visit(layer, experts)) {
 *     for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
 *         try (ExpertLease pinned = lease) {
 *             compute(pinned);
 *         }
 *     }
 * }
 * }</pre>
 *
 * <p>Used by one thread; its leases may be closed by any. Closing a visit early gives up the
 * experts not handed out; reads already under way end up in the cache.
 */
public interface ExpertVisit extends AutoCloseable {

    /**
     * Waits for the next expert of this visit.
     *
     * @return a lease the caller must close, or null when every expert was handed out
     * @throws ExpertLoadException if an expert could not be read; other experts of the visit can
     *     still be asked for, the failed one is not handed out
     * @throws TimeoutException if no expert became available within the cache's load timeout
     * @throws InterruptedException if the thread was interrupted while waiting
     * @throws IllegalStateException if the visit is closed
     */
    @Nullable ExpertLease next() throws ExpertLoadException, TimeoutException, InterruptedException;

    @Override
    void close();
}
