package io.greenroom.offload.lowbit;

import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import java.util.stream.IntStream;

/**
 * Turns a matrix of any type into low-bit rows, some rows at a time: decoded by the kernels, then
 * rounded by all cores. Used by one thread.
 */
final class ExpertQuantizer implements AutoCloseable {

    private static final int CHUNK = 1 << 20; // weights decoded at a time
    private static final int SLICE = 8; // rows per task

    private final LowBitType type;
    private final Kernels kernels;
    private final NativeMemory memory;
    private final float[] weights;

    ExpertQuantizer(LowBitShape shape, Kernels kernels, NativeAllocator allocator) {
        int widest = Math.max(shape.spec().hidden(), shape.spec().expertHidden());
        int floats = Math.max(CHUNK, widest);
        this.type = shape.type();
        this.kernels = kernels;
        this.memory = allocator.allocate(MemoryTag.IO_STAGING, (long) floats * Float.BYTES, 64);
        this.weights = new float[floats];
    }

    /** Sums of squares: of what rounding changed, and of the weights. */
    record Squares(double errors, double weights) {

        static final Squares NONE = new Squares(0, 0);

        Squares plus(Squares other) {
            return new Squares(errors + other.errors, weights + other.weights);
        }

        /** Relative root mean square error; 0 for a matrix of zeros. */
        float relativeError() {
            return weights == 0 ? 0 : (float) Math.sqrt(errors / weights);
        }
    }

    /**
     * Rounds a matrix.
     *
     * @param at where its first row goes in {@code out}
     * @return its squares; not finite if a weight is not
     */
    Squares quantize(WeightMatrix matrix, byte[] out, int at) {
        int cols = matrix.cols();
        int rowBytes = Math.toIntExact(type.tensorType().bytesFor(cols));
        int most = weights.length / cols;
        Squares sum = Squares.NONE;
        for (int from = 0; from < matrix.rows(); from += most) {
            int rows = Math.min(most, matrix.rows() - from);
            decode(matrix, from, rows);
            int begin = at + from * rowBytes;
            Squares[] squares = new Squares[rows];
            IntStream.range(0, (rows + SLICE - 1) / SLICE)
                    .parallel()
                    .forEach(slice -> quantizeSlice(slice, rows, cols, out, begin, squares));
            for (Squares row : squares) { // in order, so that the sum is always the same
                sum = sum.plus(row);
            }
        }
        return sum;
    }

    private void quantizeSlice(
            int slice, int rows, int cols, byte[] out, int begin, Squares[] squares) {
        BlockQuantizer quantizer = new BlockQuantizer(type);
        int rowBytes = Math.toIntExact(type.tensorType().bytesFor(cols));
        int end = Math.min(rows, (slice + 1) * SLICE);
        for (int row = slice * SLICE; row < end; row++) {
            double errors =
                    quantizer.quantize(weights, row * cols, cols, out, begin + row * rowBytes);
            double all = 0;
            for (int i = row * cols; i < (row + 1) * cols; i++) {
                all += (double) weights[i] * weights[i];
            }
            squares[row] = new Squares(errors, all);
        }
    }

    private void decode(WeightMatrix matrix, int from, int rows) {
        Activations decoded = new Activations(memory, 0, rows, matrix.cols());
        int[] indices = IntStream.range(from, from + rows).toArray();
        kernels.embed(matrix, indices, rows, decoded);
        kernels.read(decoded, rows, weights);
    }

    @Override
    public void close() {
        memory.close();
    }
}
