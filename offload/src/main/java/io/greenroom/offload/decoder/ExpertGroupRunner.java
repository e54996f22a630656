package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertLoadException;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.gating.ExpertGroups;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.store.ExpertWeights;
import java.util.BitSet;
import java.util.concurrent.TimeoutException;

/**
 * Takes experts from a visit and computes each for the group of rows that chose it. Each result has
 * a row of its own, so the order of arrival does not show.
 */
final class ExpertGroupRunner {

    private final Kernels kernels;
    private final Scratch scratch;
    private final RoutedRows rows;
    private final ExpertGroups groups;

    ExpertGroupRunner(Kernels kernels, Scratch scratch, RoutedRows rows) {
        this.kernels = kernels;
        this.scratch = scratch;
        this.rows = rows;
        this.groups = rows.groups();
    }

    /** Is told of a group whose expert does not come. */
    interface Unread {
        void unread(int group, Throwable reason);
    }

    /**
     * Computes experts in the order the visit hands them out.
     *
     * @param pending groups that the visit was begun for; those handed out or given up are cleared
     * @param most experts to wait for; the others stay pending
     * @param input gate input, {@code [rows, hidden]}
     */
    void run(
            ExpertVisit visit,
            ExpertStage.Slots slots,
            BitSet pending,
            int most,
            Activations input,
            Unread unread)
            throws InterruptedException {
        for (int i = 0; i < most && !pending.isEmpty(); i++) {
            try (ExpertLease lease = visit.next()) {
                if (lease == null) {
                    // The visit is over: going on would sum rows that nobody has written.
                    giveUp(
                            pending,
                            unread,
                            new IllegalStateException(
                                    pending.cardinality() + " experts were not handed out"));
                    return;
                }
                int group = groups.groupOf(lease.id().expert());
                pending.clear(group);
                compute(group, slots.weights(lease.id(), lease.slot()), input);
            } catch (ExpertLoadException e) {
                int group = groups.groupOf(e.id().expert());
                pending.clear(group);
                unread.unread(group, e);
            } catch (TimeoutException e) {
                // Nobody knows whether the rest will ever come.
                giveUp(pending, unread, e);
            }
        }
    }

    private void compute(int group, ExpertWeights expert, Activations input) {
        int n = groups.copyTo(group, rows.in(), rows.out());
        kernels.feedForward(
                expert.gate(),
                expert.up(),
                expert.down(),
                input,
                rows.in(),
                rows.out(),
                n,
                scratch.partial());
    }

    /** Marks the sequences of a group's rows as failed. */
    void failRows(Batch batch, int group, Throwable reason) {
        for (int i = 0; i < groups.size(group); i++) {
            batch.fail(groups.token(group, i), reason);
        }
    }

    private static void giveUp(BitSet pending, Unread unread, Throwable reason) {
        pending.stream().forEach(group -> unread.unread(group, reason));
        pending.clear();
    }
}
