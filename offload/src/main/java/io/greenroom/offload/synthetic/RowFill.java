package io.greenroom.offload.synthetic;

import java.nio.ByteBuffer;

/** Draws a tensor's bytes, one row at a time. Thread-safe. */
@FunctionalInterface
interface RowFill {

    /**
     * Writes one row, exactly its bytes.
     *
     * @param row index among all rows of the tensor
     * @param random seeded for this row
     * @param out little-endian
     */
    void fill(long row, SplitMix random, ByteBuffer out);
}
