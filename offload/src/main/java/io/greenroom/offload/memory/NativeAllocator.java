package io.greenroom.offload.memory;

import io.greenroom.cache.ByteSize;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Map;

/**
 * Hands out native memory by tag and keeps the books. Safe for several threads.
 *
 * <p>Blocks are anonymous pages of the operating system: page-aligned at least, zero when fresh,
 * and real only once written. Blocks of 4 MiB and more start at a multiple of 2 MiB and ask for
 * huge pages.
 */
public final class NativeAllocator {

    /** What becomes of a block that was closed. */
    public enum OnClose {
        /** It returns to the operating system. */
        RELEASE,
        /**
         * It is overwritten with {@code 0xFF} (a NaN in every float format) and stays readable for
         * a while, so that whoever still reads it computes nonsense instead of luck. For tests.
         */
        POISON
    }

    /** Native memory of either kind, as the books see it. */
    interface Block {

        MemoryTag tag();

        /** Bytes in the books when it is closed. */
        long bookedBytes();

        /** Bytes it may hold while in quarantine. */
        long realBytes();

        void poison();

        void unmap();
    }

    private static final int MAX_ALIGNMENT = 1 << 30;
    private static final long HUGE_PAGE = 2L << 20;
    private static final long HUGE_FROM = 4L << 20;
    private static final long QUARANTINE_BYTES = 32L << 20;

    private final OnClose onClose;
    private final Map<MemoryTag, MemorySnapshot.Usage> usage = new EnumMap<>(MemoryTag.class);
    private final Deque<Block> quarantine = new ArrayDeque<>();
    private long quarantined;

    public NativeAllocator() {
        this(OnClose.RELEASE);
    }

    public NativeAllocator(OnClose onClose) {
        NativeLibrary.load();
        this.onClose = onClose;
    }

    /**
     * Takes zeroed memory from the operating system; the caller closes it.
     *
     * @param alignment of the first byte, a power of two
     * @throws NativeMemoryException if the system refuses, with what was wanted and what is in use
     */
    public NativeMemory allocate(MemoryTag tag, long bytes, int alignment) {
        check(tag, bytes, alignment);
        boolean huge = bytes >= HUGE_FROM;
        long[] mapping = new long[2];
        int status =
                MemoryCalls.map(
                        bytes, huge ? Math.max(alignment, HUGE_PAGE) : alignment, huge, mapping);
        if (status != 0) {
            throw new NativeMemoryException(refusal(tag, bytes, "memory"));
        }
        opened(tag, bytes);
        return new MappedMemory(this, tag, bytes, mapping[0], mapping[1]);
    }

    /**
     * Takes address space, which counts as memory as far as it is committed.
     *
     * @param alignment of the first byte, a power of two
     * @throws NativeMemoryException if the system refuses, with what was wanted and what is in use
     */
    ReservedMemory reserve(MemoryTag tag, long bytes, int alignment) {
        check(tag, bytes, alignment);
        long[] mapping = new long[2];
        if (MemoryCalls.reserve(bytes, alignment, mapping) != 0) {
            throw new NativeMemoryException(refusal(tag, bytes, "address space"));
        }
        opened(tag, 0);
        return new ReservedMemory(this, tag, bytes, mapping[0], mapping[1]);
    }

    private static void check(MemoryTag tag, long bytes, int alignment) {
        if (bytes < 1) {
            throw new IllegalArgumentException(
                    "Cannot allocate " + bytes + " bytes of " + tag + " memory");
        }
        if (Integer.bitCount(alignment) != 1 || alignment < 1 || alignment > MAX_ALIGNMENT) {
            throw new IllegalArgumentException(
                    "Alignment " + alignment + " is not a power of two up to " + MAX_ALIGNMENT);
        }
    }

    private String refusal(MemoryTag tag, long bytes, String what) {
        return "The operating system refused "
                + new ByteSize(bytes)
                + " ("
                + bytes
                + " bytes) of "
                + tag
                + " "
                + what
                + "; this model holds "
                + snapshot();
    }

    private synchronized void opened(MemoryTag tag, long bytes) {
        usage.merge(tag, new MemorySnapshot.Usage(1, bytes), (used, one) -> used.plus(bytes));
    }

    /** What is handed out now. */
    public synchronized MemorySnapshot snapshot() {
        return new MemorySnapshot(usage);
    }

    OnClose onClose() {
        return onClose;
    }

    /** A part of a reserved block became memory, or ceased to be if negative. */
    synchronized void committed(MemoryTag tag, long bytes) {
        usage.computeIfPresent(
                tag, (t, used) -> new MemorySnapshot.Usage(used.blocks(), used.bytes() + bytes));
    }

    /** Called once per block, by its close. */
    synchronized void closed(Block block) {
        usage.computeIfPresent(
                block.tag(),
                (tag, used) -> used.blocks() == 1 ? null : used.minus(block.bookedBytes()));
        if (onClose == OnClose.RELEASE) {
            block.unmap();
            return;
        }
        block.poison();
        quarantine.addLast(block);
        quarantined += block.realBytes();
        while (quarantined > QUARANTINE_BYTES) {
            Block oldest = quarantine.removeFirst();
            quarantined -= oldest.realBytes();
            oldest.unmap();
        }
    }
}
