package io.greenroom.offload.decoder;

import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Memory for tests of Java-only parts: a direct buffer, without an address. */
final class DirectMemory implements NativeMemory {

    private final MemoryTag tag;
    private final ByteBuffer bytes;

    DirectMemory(MemoryTag tag, long bytes) {
        this.tag = tag;
        this.bytes = ByteBuffer.allocateDirect(Math.toIntExact(bytes));
    }

    @Override
    public MemoryTag tag() {
        return tag;
    }

    @Override
    public long address() {
        throw new UnsupportedOperationException("No native code may read this memory");
    }

    @Override
    public long bytes() {
        return bytes.capacity();
    }

    @Override
    public ByteBuffer buffer(long offset, int length) {
        checkRange(offset, length);
        return bytes.slice((int) offset, length).order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {}
}
