package io.greenroom.offload.kernel;

import io.greenroom.offload.memory.NativeMemory;

/**
 * A weight matrix in native memory, in the layout it has on disk; a view that owns nothing.
 *
 * @param memory where it lies
 * @param offset first byte within {@code memory}
 * @param type element type
 * @param rows output features
 * @param cols input features, whole blocks of {@code type}
 */
public record WeightMatrix(NativeMemory memory, long offset, TensorType type, int rows, int cols) {

    public WeightMatrix {
        memory.checkRange(offset, Math.multiplyExact(type.bytesFor(cols), rows));
    }

    /** The address of the first block. */
    public long address() {
        return memory.address() + offset;
    }
}
