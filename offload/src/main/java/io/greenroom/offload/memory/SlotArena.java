package io.greenroom.offload.memory;

import java.nio.ByteBuffer;

/**
 * The expert budget as memory: equal slots in one block, taken once when a model is loaded and
 * overwritten in place until it is unloaded. There is no other native memory for experts, so bytes
 * of experts can never exceed {@code slots * slotBytes}, whatever the cache does.
 *
 * <p>Safe for several threads; who may write to which slot is the cache's business.
 */
public final class SlotArena implements AutoCloseable {

    /** Slots begin at multiples of this, as reads around the page cache demand. */
    public static final int ALIGNMENT = 4096;

    private final NativeMemory memory;
    private final long slotBytes;
    private final int slots;

    private SlotArena(NativeMemory memory, long slotBytes, int slots) {
        this.memory = memory;
        this.slotBytes = slotBytes;
        this.slots = slots;
    }

    /**
     * Takes {@code slots * slotBytes} bytes, tagged {@link MemoryTag#EXPERT_ARENA}.
     *
     * @param slotBytes a multiple of {@link #ALIGNMENT}
     * @throws NativeMemoryException if the system refuses
     */
    public static SlotArena allocate(NativeAllocator allocator, long slotBytes, int slots) {
        if (slotBytes < ALIGNMENT || slotBytes % ALIGNMENT != 0 || slots < 1) {
            throw new IllegalArgumentException(
                    "An arena needs at least one slot of a multiple of "
                            + ALIGNMENT
                            + " bytes, got "
                            + slots
                            + " of "
                            + slotBytes);
        }
        long bytes = Math.multiplyExact(slotBytes, slots);
        return new SlotArena(
                allocator.allocate(MemoryTag.EXPERT_ARENA, bytes, ALIGNMENT), slotBytes, slots);
    }

    public int slots() {
        return slots;
    }

    public long slotBytes() {
        return slotBytes;
    }

    /** All native bytes of the arena. */
    public long bytes() {
        return memory.bytes();
    }

    /** The block that holds all slots. */
    public NativeMemory memory() {
        return memory;
    }

    /** Where a slot begins within {@link #memory()}. */
    public long offset(int slot) {
        if (slot < 0 || slot >= slots) {
            throw new IndexOutOfBoundsException("Slot " + slot + " of " + slots);
        }
        return slot * slotBytes;
    }

    /** A direct buffer over part of a slot. */
    public ByteBuffer buffer(int slot, long from, int length) {
        if (from < 0 || length < 0 || from > slotBytes - length) {
            throw new IndexOutOfBoundsException(
                    "Range of "
                            + length
                            + " bytes at "
                            + from
                            + " is outside a slot of "
                            + slotBytes
                            + " bytes");
        }
        return memory.buffer(offset(slot) + from, length);
    }

    /**
     * Overwrites a slot with {@code 0xFF}, a NaN in every float format, so that a stale reader
     * computes nonsense instead of luck. For tests.
     */
    public void poison(int slot) {
        for (long at = 0; at < slotBytes; at += ALIGNMENT) {
            ByteBuffer page = buffer(slot, at, ALIGNMENT);
            while (page.hasRemaining()) {
                page.putLong(-1);
            }
        }
    }

    /** Gives the memory back. No slot may be in use. */
    @Override
    public void close() {
        memory.close();
    }
}
