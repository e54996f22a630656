package io.greenroom.offload.kernel;

/** In which precision activations meet quantised weights. */
public enum ActivationPrecision {
    /** As they are: the exact mode. */
    FLOAT32(0),
    /**
     * Rounded to 8 bits per block of 32 for Q8_0 and Q4_0 weights, so that products are integer
     * arithmetic; other weights as in {@link #FLOAT32}. Faster, and lossy.
     */
    INT8(1);

    private final int code;

    ActivationPrecision(int code) {
        this.code = code;
    }

    /** The number at the native border. */
    int code() {
        return code;
    }
}
