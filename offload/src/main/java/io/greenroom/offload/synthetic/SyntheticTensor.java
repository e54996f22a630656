package io.greenroom.offload.synthetic;

import io.greenroom.offload.kernel.TensorType;

/**
 * A tensor to be written.
 *
 * @param name as llama.cpp calls it
 * @param type of its elements
 * @param rows number of rows, of all matrices where several are stacked
 * @param shape outermost dimension first; the last one is a row
 * @param fill draws its rows
 */
record SyntheticTensor(String name, TensorType type, long rows, long[] shape, RowFill fill) {

    static SyntheticTensor of(String name, TensorType type, RowFill fill, long... shape) {
        long rows = 1;
        for (int i = 0; i < shape.length - 1; i++) {
            rows = Math.multiplyExact(rows, shape[i]);
        }
        return new SyntheticTensor(name, type, rows, shape, fill);
    }

    long rowBytes() {
        return type.bytesFor(shape[shape.length - 1]);
    }

    long bytes() {
        return Math.multiplyExact(rows, rowBytes());
    }
}
