package io.greenroom.offload.kernel;

import io.greenroom.offload.memory.NativeMemory;

/**
 * A matrix of 32-bit floats in native memory, row-major without gaps; a view that owns nothing.
 *
 * @param memory where it lies
 * @param offset first byte within {@code memory}, a multiple of 4
 * @param rows number of rows it has room for
 * @param cols elements per row
 */
public record Activations(NativeMemory memory, long offset, int rows, int cols) {

    public Activations {
        long bytes = Math.multiplyExact(Math.multiplyExact((long) rows, cols), Float.BYTES);
        memory.checkRange(offset, bytes);
        if (offset % Float.BYTES != 0) {
            throw new IllegalArgumentException("Offset " + offset + " is not a multiple of 4");
        }
    }

    /** The address of the first element. */
    public long address() {
        return memory.address() + offset;
    }

    /** The same bytes seen with other dimensions; {@code rows * cols} must not grow. */
    public Activations reshape(int newRows, int newCols) {
        if ((long) newRows * newCols > (long) rows * cols) {
            throw new IllegalArgumentException(
                    "Cannot see ["
                            + rows
                            + ", "
                            + cols
                            + "] as ["
                            + newRows
                            + ", "
                            + newCols
                            + "]");
        }
        return new Activations(memory, offset, newRows, newCols);
    }

    /** A view of rows {@code from} to {@code from + count}. */
    public Activations slice(int from, int count) {
        if (from < 0 || count < 0 || (long) from + count > rows) {
            throw new IndexOutOfBoundsException(
                    "Rows " + from + ".." + ((long) from + count) + " of " + rows);
        }
        return new Activations(memory, offset + (long) from * cols * Float.BYTES, count, cols);
    }
}
