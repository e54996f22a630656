package io.greenroom.offload.memory;

import io.greenroom.offload.memory.NativeAllocator.OnClose;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Address space of which parts become memory and cease to be. The books of the allocator count what
 * is committed. Who commits a range, decommits it, and only once: {@link SlotArena} sees to that.
 */
final class ReservedMemory implements NativeMemory, NativeAllocator.Block {

    private final NativeAllocator allocator;
    private final MemoryTag tag;
    private final long bytes;
    private final long address;
    private final long mappedBytes; // bytes, rounded up to whole pages
    private final AtomicLong committed = new AtomicLong();
    private final AtomicLong mostCommitted = new AtomicLong();
    private final AtomicBoolean closed = new AtomicBoolean();

    ReservedMemory(
            NativeAllocator allocator, MemoryTag tag, long bytes, long address, long mappedBytes) {
        this.allocator = allocator;
        this.tag = tag;
        this.bytes = bytes;
        this.address = address;
        this.mappedBytes = mappedBytes;
    }

    /** Announces that a range is going to be written to. */
    void commit(long offset, long length) {
        checkRange(offset, length);
        allocator.committed(tag, length);
        long now = committed.addAndGet(length);
        mostCommitted.accumulateAndGet(now, Math::max);
    }

    /**
     * Gives a committed range back to the operating system, or poisons it. Nobody reads or writes
     * it any longer.
     *
     * @throws NativeMemoryException if the system refuses; the range stays committed
     */
    void decommit(long offset, long length) {
        checkRange(offset, length);
        long start = address() + offset;
        if (allocator.onClose() == OnClose.POISON) {
            MemoryCalls.fill(start, length, (byte) 0xFF);
        } else if (MemoryCalls.discard(start, length) != 0) {
            throw new NativeMemoryException(
                    "The operating system did not take back "
                            + length
                            + " bytes of "
                            + tag
                            + " memory");
        }
        committed.addAndGet(-length);
        allocator.committed(tag, -length);
    }

    /** Asks for huge pages; offset and length are multiples of 2 MiB, as is the address. */
    void preferHugePages(long offset, long length) {
        checkRange(offset, length);
        MemoryCalls.huge(address() + offset, length);
    }

    long committedBytes() {
        return committed.get();
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
        return committed.get();
    }

    @Override
    public long realBytes() {
        return mostCommitted.get();
    }

    /** What was committed was poisoned when it was decommitted; the rest was never memory. */
    @Override
    public void poison() {}

    @Override
    public void unmap() {
        MemoryCalls.unmap(address, mappedBytes);
    }

    @Override
    public String toString() {
        return tag + " memory of up to " + bytes + " bytes";
    }
}
