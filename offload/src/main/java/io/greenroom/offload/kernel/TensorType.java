package io.greenroom.offload.kernel;

import java.util.Arrays;
import java.util.Optional;

/**
 * Element types of weights, with the numbers GGUF gives them. Quantised types hold {@link
 * #blockElements} consecutive elements of a row in {@link #blockBytes} bytes, in the layout of
 * ggml's block structures.
 */
public enum TensorType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q8_0(8, 32, 34),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    BF16(30, 1, 2);

    private final int ggmlCode;
    private final int blockElements;
    private final int blockBytes;

    TensorType(int ggmlCode, int blockElements, int blockBytes) {
        this.ggmlCode = ggmlCode;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /** The type's number in GGUF files and at the native border. */
    public int ggmlCode() {
        return ggmlCode;
    }

    public int blockElements() {
        return blockElements;
    }

    public int blockBytes() {
        return blockBytes;
    }

    /**
     * Bytes of {@code elements} consecutive elements.
     *
     * @throws ArithmeticException if the size does not fit a long
     * @throws IllegalArgumentException if the elements are not whole blocks
     */
    public long bytesFor(long elements) {
        if (elements < 0 || elements % blockElements != 0) {
            throw new IllegalArgumentException(
                    this + " holds blocks of " + blockElements + " elements, got " + elements);
        }
        return Math.multiplyExact(elements / blockElements, blockBytes);
    }

    public static Optional<TensorType> ofGgmlCode(int code) {
        return Arrays.stream(values()).filter(type -> type.ggmlCode == code).findFirst();
    }
}
