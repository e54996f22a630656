package io.greenroom.offload.lowbit;

import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.ModelSpec;

/**
 * Places in a file of copies, which follow from the model and the type alone: whatever a file says
 * of itself is compared with them and never believed.
 *
 * @param type of the copies
 * @param spec of the model
 */
record LowBitShape(LowBitType type, ModelSpec spec) {

    private static final int BLOCK = SlotArena.ALIGNMENT;

    LowBitShape {
        check("hidden width", spec.hidden(), type.tensorType());
        check("expert width", spec.expertHidden(), type.tensorType());
    }

    private static void check(String what, int width, TensorType type) {
        if (width % type.blockElements() != 0) {
            throw new IllegalArgumentException(
                    "The model's "
                            + what
                            + " is "
                            + width
                            + ", which is no whole number of "
                            + type
                            + " blocks of "
                            + type.blockElements()
                            + ": its experts cannot have low-bit copies");
        }
    }

    /** Layers that have routed experts. */
    int moeLayers() {
        int count = 0;
        for (boolean moe : spec.moeLayers()) {
            count += moe ? 1 : 0;
        }
        return count;
    }

    int copies() {
        return Math.multiplyExact(moeLayers(), spec.experts());
    }

    /** Weights of one expert, in each of its three matrices. */
    long weightsPerMatrix() {
        return (long) spec.hidden() * spec.expertHidden();
    }

    /** Bytes of one of the three matrices. */
    long matrixBytes() {
        return type.tensorType().bytesFor(weightsPerMatrix());
    }

    /** Bytes of a copy: gate, up, down without gaps. */
    long recordBytes() {
        return 3 * matrixBytes();
    }

    /** From one record to the next; a multiple of 4096. */
    long stride() {
        return roundUp(recordBytes());
    }

    /** Where the first record begins; a multiple of 4096. */
    long headerBytes() {
        return roundUp(LowBitHeader.bytes(this));
    }

    long fileBytes() {
        return headerBytes() + Math.multiplyExact(stride(), copies());
    }

    /** Index of a layer among those with experts. */
    int moeIndex(int layer) {
        int index = 0;
        for (int i = 0; i < layer; i++) {
            index += spec.moeLayers()[i] ? 1 : 0;
        }
        return index;
    }

    /**
     * Index of an expert's record.
     *
     * @throws IllegalArgumentException if the model has no such expert
     */
    int index(ExpertId id) {
        if (id.layer() >= spec.layers()
                || !spec.moeLayers()[id.layer()]
                || id.expert() >= spec.experts()) {
            throw new IllegalArgumentException("The model has no expert " + id);
        }
        return moeIndex(id.layer()) * spec.experts() + id.expert();
    }

    long offset(int index) {
        return headerBytes() + index * stride();
    }

    private static long roundUp(long bytes) {
        return (bytes + BLOCK - 1) / BLOCK * BLOCK;
    }
}
