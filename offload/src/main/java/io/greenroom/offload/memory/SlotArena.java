package io.greenroom.offload.memory;

import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * The expert budget as memory: equal slots in one range of addresses, reserved once when a model is
 * loaded. A slot is memory from {@link #commit} to {@link #decommit}, and overwritten in place
 * meanwhile. There is no other native memory for experts, so their bytes are those of the slots
 * that are committed, never more, whatever the cache does.
 *
 * <p>Safe for several threads; who may write to which slot, and when a slot is given up, is the
 * cache's business.
 */
public final class SlotArena implements AutoCloseable {

    /** Slots begin at multiples of this, as reads around the page cache demand. */
    public static final int ALIGNMENT = 4096;

    /*
     * A huge page that reached over the border of a slot would be memory that nobody committed, and
     * would not be given back with either slot. So slots that can fill huge pages begin at multiples
     * of one (addresses cost nothing), and only those that lie wholly inside a slot are asked for.
     * Each slot then is up to two ranges in the kernel's list, which holds 65530 by default.
     */
    private static final int HUGE_PAGE = 2 << 20;
    private static final int MOST_HUGE_SLOTS = 16384;

    private final ReservedMemory memory;
    private final long slotBytes;
    private final long stride; // from slot to slot
    private final int slots;
    private final boolean huge;
    private final BitSet committed = new BitSet(); // guarded by itself
    private final BitSet advised = new BitSet(); // for huge pages; guarded by committed

    private SlotArena(ReservedMemory memory, long slotBytes, long stride, int slots) {
        this.memory = memory;
        this.slotBytes = slotBytes;
        this.stride = stride;
        this.slots = slots;
        this.huge = stride % HUGE_PAGE == 0 && slots <= MOST_HUGE_SLOTS;
    }

    /**
     * Reserves addresses for {@code slots} slots, tagged {@link MemoryTag#EXPERT_ARENA}; none is
     * committed.
     *
     * @param slotBytes a multiple of {@link #ALIGNMENT}
     * @param slots the most there may ever be
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
        int alignment = slotBytes < HUGE_PAGE ? ALIGNMENT : HUGE_PAGE;
        long stride = Math.addExact(slotBytes, alignment - 1) / alignment * alignment;
        long bytes = Math.multiplyExact(stride, slots);
        return new SlotArena(
                allocator.reserve(MemoryTag.EXPERT_ARENA, bytes, alignment),
                slotBytes,
                stride,
                slots);
    }

    /** The most slots there may be. */
    public int slots() {
        return slots;
    }

    public long slotBytes() {
        return slotBytes;
    }

    /** Native bytes of the slots that are committed. */
    public long committedBytes() {
        return memory.committedBytes();
    }

    /** The block that holds all slots. */
    public NativeMemory memory() {
        return memory;
    }

    /** Makes a slot memory, if it is not. Called before its bytes are written. */
    public void commit(int slot) {
        long offset = offset(slot);
        synchronized (committed) {
            if (committed.get(slot)) {
                return;
            }
            if (huge && !advised.get(slot)) {
                memory.preferHugePages(offset, slotBytes / HUGE_PAGE * HUGE_PAGE);
                advised.set(slot);
            }
            memory.commit(offset, slotBytes);
            committed.set(slot);
        }
    }

    /**
     * Gives a slot's memory back to the system, if it has any; its bytes are lost. Nobody reads,
     * writes or commits the slot meanwhile.
     *
     * @throws NativeMemoryException if the system refuses
     */
    public void decommit(int slot) {
        long offset = offset(slot);
        // Not under the lock: giving back megabytes takes a while, in which others may commit.
        synchronized (committed) {
            if (!committed.get(slot)) {
                return;
            }
        }
        memory.decommit(offset, slotBytes);
        synchronized (committed) {
            committed.clear(slot);
        }
    }

    /** Where a slot begins within {@link #memory()}. */
    public long offset(int slot) {
        if (slot < 0 || slot >= slots) {
            throw new IndexOutOfBoundsException("Slot " + slot + " of " + slots);
        }
        return slot * stride;
    }

    /** A direct buffer over part of a committed slot. */
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
        long offset = offset(slot);
        synchronized (committed) {
            if (!committed.get(slot)) {
                throw new IllegalStateException("Slot " + slot + " is not committed");
            }
        }
        return memory.buffer(offset + from, length);
    }

    /**
     * Commits a slot and overwrites it with {@code 0xFF}, a NaN in every float format, so that a
     * stale reader computes nonsense instead of luck. For tests.
     */
    public void poison(int slot) {
        commit(slot);
        for (long at = 0; at < slotBytes; at += ALIGNMENT) {
            ByteBuffer page = buffer(slot, at, ALIGNMENT);
            while (page.hasRemaining()) {
                page.putLong(-1);
            }
        }
    }

    /** Gives memory and addresses back. No slot may be in use. Closing twice is harmless. */
    @Override
    public void close() {
        BitSet left;
        synchronized (committed) {
            left = (BitSet) committed.clone();
            committed.clear();
        }
        left.stream().forEach(slot -> memory.decommit(slot * stride, slotBytes));
        memory.close();
    }
}
