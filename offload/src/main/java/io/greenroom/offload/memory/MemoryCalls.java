package io.greenroom.offload.memory;

import java.nio.ByteBuffer;

/** The border to native code for memory; arguments were checked by the caller. */
final class MemoryCalls {

    private MemoryCalls() {}

    static native int abiVersion();

    /** Writes address and mapped length into {@code mapping}; answers a status, 0 is well. */
    static native int map(long bytes, long alignment, boolean huge, long[] mapping);

    /** As {@link #map}, for address space that becomes memory where it is written to. */
    static native int reserve(long bytes, long alignment, long[] mapping);

    /** Asks for huge pages; both ends are multiples of 2 MiB. */
    static native void huge(long address, long bytes);

    /** Gives pages back, which are zero when next touched; answers a status, 0 is well. */
    static native int discard(long address, long bytes);

    static native void unmap(long address, long bytes);

    static native void fill(long address, long bytes, byte value);

    static native ByteBuffer buffer(long address, int length);
}
