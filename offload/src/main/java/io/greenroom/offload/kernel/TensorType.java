package io.greenroom.offload.kernel;

import java.util.Arrays;
import java.util.Optional;

/**
 * Element types of weights. Quantised types hold {@link #blockElements} consecutive elements of a
 * row in {@link #blockBytes} bytes; those that GGUF knows in the layout of ggml's block structures.
 */
public enum TensorType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q8_0(8, 32, 34),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    BF16(30, 1, 2),
    /**
     * Ours, 2.5 bits per weight: a half d, then 32 numbers q of 2 bits; a weight is d (2 q - 3).
     * Element i is in bits 2 (i / 8) and up of byte i mod 8. In no GGUF file.
     */
    Q2_G32(1000, 32, 10);

    /** Types of our own have numbers from here on, beyond ggml's. */
    private static final int OWN = 1000;

    private final int ggmlCode;
    private final int blockElements;
    private final int blockBytes;

    TensorType(int ggmlCode, int blockElements, int blockBytes) {
        this.ggmlCode = ggmlCode;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /** The type's number at the native border, and in GGUF files if it {@link #isGgml}. */
    public int ggmlCode() {
        return ggmlCode;
    }

    /** Whether GGUF files may hold it. */
    public boolean isGgml() {
        return ggmlCode < OWN;
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

    /** The type with this number, whether ggml's or ours. */
    public static Optional<TensorType> ofCode(int code) {
        return Arrays.stream(values()).filter(type -> type.ggmlCode == code).findFirst();
    }

    /** The type that GGUF files give this number. */
    public static Optional<TensorType> ofGgmlCode(int code) {
        return ofCode(code).filter(TensorType::isGgml);
    }
}
