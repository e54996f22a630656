package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertId;
import io.greenroom.gating.residency.Importance;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.store.ExpertWeights;

/**
 * Learns the norm of each expert's matrices when it is first computed: the Frobenius norm of the
 * three together, estimated from up to {@value #SAMPLE} rows of each, evenly spaced. An expert of
 * several megabytes is so measured in a fraction of the time it takes to compute it once.
 *
 * <p>Used by the scheduler's thread.
 */
final class ExpertNorms implements ExpertStage.Slots {

    private static final int SAMPLE = 16;

    private final ExpertStage.Slots slots;
    private final Importance importance;
    private final Kernels kernels;
    private final NativeMemory memory;
    private final float[] values;
    private final int[] rows = new int[SAMPLE];

    /**
     * @param slots the matrices in a slot
     * @param importance is told the norms
     * @param memory of at least {@link #bytes}
     * @param widest most columns of a matrix
     */
    ExpertNorms(
            ExpertStage.Slots slots,
            Importance importance,
            Kernels kernels,
            NativeMemory memory,
            int widest) {
        this.slots = slots;
        this.importance = importance;
        this.kernels = kernels;
        this.memory = memory;
        this.values = new float[SAMPLE * widest];
    }

    /** Bytes of scratch for matrices of up to {@code widest} columns. */
    static long bytes(int widest) {
        return (long) SAMPLE * widest * Float.BYTES;
    }

    @Override
    public ExpertWeights weights(ExpertId id, int slot) {
        ExpertWeights expert = slots.weights(id, slot);
        if (!importance.knowsNorm(id.layer(), id.expert())) {
            double squares = squares(expert.gate()) + squares(expert.up()) + squares(expert.down());
            importance.norm(id.layer(), id.expert(), (float) Math.sqrt(squares));
        }
        return expert;
    }

    private double squares(WeightMatrix matrix) {
        int sampled = Math.min(SAMPLE, matrix.rows());
        for (int i = 0; i < sampled; i++) {
            rows[i] = (int) ((long) i * matrix.rows() / sampled);
        }
        kernels.embed(matrix, rows, sampled, new Activations(memory, 0, SAMPLE, matrix.cols()));
        kernels.read(new Activations(memory, 0, SAMPLE, matrix.cols()), sampled, values);
        double sum = 0;
        for (int i = 0; i < sampled * matrix.cols(); i++) {
            sum += (double) values[i] * values[i];
        }
        return sum * matrix.rows() / sampled;
    }
}
