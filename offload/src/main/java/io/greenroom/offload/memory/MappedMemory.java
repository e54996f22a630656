package io.greenroom.offload.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/** A block of pages that goes back to its allocator's books when closed. */
final class MappedMemory implements NativeMemory, NativeAllocator.Block {

    private final NativeAllocator allocator;
    private final MemoryTag tag;
    private final long bytes;
    private final long address;
    private final long mappedBytes; // bytes, rounded up to whole pages
    private final AtomicBoolean closed = new AtomicBoolean();

    MappedMemory(
            NativeAllocator allocator, MemoryTag tag, long bytes, long address, long mappedBytes) {
        this.allocator = allocator;
        this.tag = tag;
        this.bytes = bytes;
        this.address = address;
        this.mappedBytes = mappedBytes;
    }

    @Override
    public MemoryTag tag() {
        return tag;
    }

    @Override
    public long address() {
        if (closed.get()) {
            throw new IllegalStateException(this + " is closed");
        }
        return address;
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public ByteBuffer buffer(long offset, int length) {
        checkRange(offset, length);
        return MemoryCalls.buffer(address() + offset, length).order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            allocator.closed(this);
        }
    }

    @Override
    public long bookedBytes() {
        return bytes;
    }

    @Override
    public long realBytes() {
        return bytes;
    }

    @Override
    public void poison() {
        MemoryCalls.fill(address, mappedBytes, (byte) 0xFF);
    }

    @Override
    public void unmap() {
        MemoryCalls.unmap(address, mappedBytes);
    }

    @Override
    public String toString() {
        return tag + " memory of " + bytes + " bytes";
    }
}
