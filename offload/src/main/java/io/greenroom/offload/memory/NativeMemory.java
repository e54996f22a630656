package io.greenroom.offload.memory;

import java.nio.ByteBuffer;

/**
 * One block of native memory, aligned and tagged. Not a garbage-collected object: whoever allocated
 * it closes it.
 */
public interface NativeMemory extends AutoCloseable {

    MemoryTag tag();

    /**
     * The first byte's address.
     *
     * @throws IllegalStateException after close
     */
    long address();

    long bytes();

    /**
     * Checks that a range lies inside.
     *
     * @throws IndexOutOfBoundsException naming tag, range and size if it does not
     */
    default void checkRange(long offset, long length) {
        if (offset < 0 || length < 0 || offset > bytes() - length) {
            throw new IndexOutOfBoundsException(
                    "Range of "
                            + length
                            + " bytes at "
                            + offset
                            + " is outside "
                            + tag()
                            + " memory of "
                            + bytes()
                            + " bytes");
        }
    }

    /** A direct buffer over a range; native byte order; valid until close. */
    ByteBuffer buffer(long offset, int length);

    /** Gives the memory back. Closing twice is harmless. */
    @Override
    void close();
}
