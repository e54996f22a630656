package io.greenroom.offload.store;

import io.greenroom.offload.kernel.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A tensor as a file's header declares it, its bounds already checked against the file.
 *
 * @param name name in the file
 * @param file the file that holds the bytes
 * @param offset first byte in the file
 * @param bytes length
 * @param type element type
 * @param shape outermost dimension first, as PyTorch prints it; the last one is contiguous
 */
record StoredTensor(
        String name, Path file, long offset, long bytes, TensorType type, long[] shape) {

    /** Whether the shape is as expected; {@code [n]} and {@code [1, n]} are the same vector. */
    boolean hasShape(long... expected) {
        return Arrays.equals(withoutLeadingOnes(shape), withoutLeadingOnes(expected));
    }

    /** Consecutive rows of the tensor seen as a matrix of {@code cols} columns. */
    TensorSpan slice(String canonical, long fromRow, long rows, long cols) {
        long row = type.bytesFor(cols);
        return new TensorSpan(
                canonical,
                file,
                offset + fromRow * row,
                rows * row,
                type,
                Math.toIntExact(rows),
                Math.toIntExact(cols));
    }

    static String text(long... shape) {
        return Arrays.stream(shape)
                .mapToObj(Long::toString)
                .collect(Collectors.joining(", ", "[", "]"));
    }

    /**
     * Number of elements.
     *
     * @throws ArithmeticException if it does not fit a long
     */
    static long product(long... shape) {
        long elements = 1;
        for (long dimension : shape) {
            elements = Math.multiplyExact(elements, dimension);
        }
        return elements;
    }

    /** Whether every dimension is one an int can count; what is not becomes a problem. */
    static boolean checkDimensions(String what, long[] shape, Problems problems) {
        for (long dimension : shape) {
            if (dimension < 1 || dimension > Integer.MAX_VALUE) {
                problems.add(
                        what
                                + " has shape "
                                + text(shape)
                                + "; every dimension must be from 1 to "
                                + Integer.MAX_VALUE);
                return false;
            }
        }
        return true;
    }

    private static long[] withoutLeadingOnes(long[] shape) {
        int ones = 0;
        while (ones < shape.length - 1 && shape[ones] == 1) {
            ones++;
        }
        return Arrays.copyOfRange(shape, ones, shape.length);
    }

    /** Refuses tensors of one file that share bytes: a sign of damage or of malice. */
    static void refuseOverlap(Path file, List<StoredTensor> tensors) throws CheckpointException {
        List<StoredTensor> byOffset = new ArrayList<>(tensors);
        byOffset.sort(Comparator.comparingLong(StoredTensor::offset));
        Problems problems = new Problems(file);
        for (int i = 1; i < byOffset.size(); i++) {
            StoredTensor before = byOffset.get(i - 1);
            StoredTensor tensor = byOffset.get(i);
            if (tensor.offset() < before.offset() + before.bytes()) {
                problems.add(
                        "tensor "
                                + tensor.name()
                                + " begins at byte "
                                + tensor.offset()
                                + ", inside tensor "
                                + before.name()
                                + " which ends at byte "
                                + (before.offset() + before.bytes()));
            }
        }
        problems.throwIfAny();
    }
}
