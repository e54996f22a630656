package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertLoadException;
import io.greenroom.cache.ExpertVisit;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A visit that hands nothing out before everything is there: what an engine does that reads a
 * layer's experts and then computes them. For comparison only. The cache must have a slot for each
 * expert of the visit.
 */
final class WholeVisit implements ExpertVisit {

    private final ExpertVisit visit;
    private final Queue<ExpertLease> there = new ArrayDeque<>();
    private final Queue<ExpertLoadException> failed = new ArrayDeque<>();
    private boolean complete;

    WholeVisit(ExpertVisit visit) {
        this.visit = visit;
    }

    @Override
    public @Nullable ExpertLease next()
            throws ExpertLoadException, TimeoutException, InterruptedException {
        while (!complete) {
            try {
                ExpertLease lease = visit.next();
                if (lease == null) {
                    complete = true;
                } else {
                    there.add(lease);
                }
            } catch (ExpertLoadException e) {
                failed.add(e);
            }
        }
        ExpertLoadException failure = failed.poll();
        if (failure != null) {
            throw failure;
        }
        return there.poll();
    }

    @Override
    public void close() {
        there.forEach(ExpertLease::close);
        there.clear();
        visit.close();
    }
}
