package io.greenroom.offload.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The border to the native kernels: addresses, numbers and arrays, checked by {@link NativeKernels}
 * before. Each call answers a status; 0 is well.
 */
final class KernelCalls {

    private KernelCalls() {}

    /** A mask of {@link KernelIsa} codes. */
    static native int availableIsas();

    static native boolean hasVnni(int isa);

    /** Writes the new context into {@code context}. */
    static native int create(int threads, int isa, int precision, long[] context);

    static native void destroy(long context);

    static native int embed(
            long context, long table, int type, int rows, int cols, int[] tokens, int n, long out);

    static native int rmsNorm(
            long context, long x, int n, int cols, long weight, float epsilon, long out);

    /** {@code bias} is 0 for none. */
    static native int matmul(
            long context, long w, int type, int rows, int cols, long x, int n, long bias, long out);

    static native int clamp(long context, long x, int n, int cols, float limit);

    static native int add(long context, long x, long y, int n, int cols);

    static native int rope(
            long context,
            long x,
            int n,
            int heads,
            int headDim,
            int[] positions,
            long table,
            boolean adjacent);

    static native int storeKv(
            long context,
            long cache,
            int type,
            int layers,
            int pages,
            int pageSize,
            int kvHeads,
            int headDim,
            int layer,
            long k,
            long v,
            int n,
            int[] cells);

    /** The pages of sequence s are those of {@code pageTables} from {@code tableOffsets[s]} on. */
    static native int attention(
            long context,
            long cache,
            int type,
            int layers,
            int pages,
            int pageSize,
            int kvHeads,
            int headDim,
            int layer,
            long q,
            int n,
            int heads,
            int[] positions,
            int[] sequences,
            int[] pageTables,
            int[] tableOffsets,
            long out);

    static native int feedForward(
            long context,
            long gate,
            int gateType,
            long up,
            int upType,
            long down,
            int downType,
            int hidden,
            int inner,
            long x,
            int[] rows,
            int[] outRows,
            int n,
            long out);

    static native int combine(
            long context, long x, long partial, float[] weights, int n, int k, int cols);

    static native int addGated(long context, long x, long shared, long gate, int n, int cols);

    static native void read(long x, int count, float[] into);

    static native void write(float[] from, int count, long x);

    /** Turns a status that is not 0 into an exception; {@code what} names the operation. */
    static void check(int status, String what, @Nullable Object detail) {
        if (status == 0) {
            return;
        }
        String text =
                switch (status) {
                    case 1 -> "arguments that Java let through were refused (a bug)";
                    case 2 -> "the operating system refused scratch memory";
                    case 3 -> "the instruction set cannot run here";
                    case 4 ->
                            "a worker thread could not be started; look at the limits on"
                                    + " processes (ulimit -u, pids.max)";
                    default -> "unknown status " + status;
                };
        throw new KernelException(
                "Kernel " + what + (detail == null ? "" : " " + detail) + " failed: " + text);
    }
}
