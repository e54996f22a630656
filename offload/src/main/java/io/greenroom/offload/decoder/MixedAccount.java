package io.greenroom.offload.decoder;

import io.greenroom.gating.ExpertGroups;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.precision.Precision;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.precision.PrecisionTally;
import java.util.BitSet;
import java.util.function.IntFunction;

/** Counts what mixed precision changes, for each request and for all together. */
final class MixedAccount {

    private final long[] expertBytes; // [layers]
    private final long copyBytes;
    private final PrecisionTally total = new PrecisionTally();
    private final int[] copied; // [R]
    private final int[] skipped; // [R]
    private final float[] skippedWeight; // [R]
    private final long[] saved; // [R]

    /**
     * @param rows {@code R}, most rows of a batch
     * @param expertBytes of an expert of each layer
     * @param copyBytes of a copy
     */
    MixedAccount(int rows, long[] expertBytes, long copyBytes) {
        this.expertBytes = expertBytes;
        this.copyBytes = copyBytes;
        this.copied = new int[rows];
        this.skipped = new int[rows];
        this.skippedWeight = new float[rows];
        this.saved = new long[rows];
    }

    /** All requests since the model was loaded. */
    PrecisionCost total() {
        return total.cost();
    }

    /**
     * Adds one layer of a batch.
     *
     * @param precisions of each group
     * @param residentCopies experts whose copies were
     */
    void settle(
            int layer,
            Batch batch,
            RoutingDecision decision,
            ExpertGroups groups,
            IntFunction<Precision> precisions,
            BitSet residentCopies) {
        int rows = batch.rows();
        for (int row = 0; row < rows; row++) {
            copied[row] = 0;
            skipped[row] = 0;
            skippedWeight[row] = 0;
            saved[row] = 0;
        }
        for (int group = 0; group < groups.count(); group++) {
            Precision precision = precisions.apply(group);
            if (precision != Precision.FULL) {
                int expert = groups.expert(group);
                boolean read = precision == Precision.COPY && !residentCopies.get(expert);
                long bytes = expertBytes[layer] - (read ? copyBytes : 0);
                note(group, precision, bytes, decision, groups);
            }
        }
        int k = decision.expertsPerToken();
        for (int row = 0; row < rows; row++) {
            double weight = 0;
            for (int rank = 0; rank < k; rank++) {
                weight += decision.weight(row, rank);
            }
            PrecisionCost cost =
                    new PrecisionCost(
                            k, copied[row], skipped[row], weight, skippedWeight[row], saved[row]);
            total.add(cost);
            PrecisionTally request = batch.precisionTally(row);
            if (request != null) {
                request.add(cost);
            }
        }
    }

    private void note(
            int group,
            Precision precision,
            long bytes,
            RoutingDecision decision,
            ExpertGroups groups) {
        int size = groups.size(group);
        for (int i = 0; i < size; i++) {
            int row = groups.token(group, i);
            if (precision == Precision.COPY) {
                copied[row]++;
            } else {
                skipped[row]++;
                skippedWeight[row] += decision.weights()[groups.output(group, i)];
            }
            // shares that add up to the whole
            saved[row] += bytes * (i + 1) / size - bytes * i / size;
        }
    }
}
