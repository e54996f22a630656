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

    private static final int MAX_ALIGNMENT = 1 << 30;
    private static final long HUGE_PAGE = 2L << 20;
    private static final long HUGE_FROM = 4L << 20;
    private static final long QUARANTINE_BYTES = 32L << 20;

    private final OnClose onClose;
    private final Map<MemoryTag, MemorySnapshot.Usage> usage = new EnumMap<>(MemoryTag.class);
    private final Deque<MappedMemory> quarantine = new ArrayDeque<>();
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
        if (bytes < 1) {
            throw new IllegalArgumentException(
                    "Cannot allocate " + bytes + " bytes of " + tag + " memory");
        }
        if (Integer.bitCount(alignment) != 1 || alignment < 1 || alignment > MAX_ALIGNMENT) {
            throw new IllegalArgumentException(
                    "Alignment " + alignment + " is not a power of two up to " + MAX_ALIGNMENT);
        }
        boolean huge = bytes >= HUGE_FROM;
        long[] mapping = new long[2];
        int status =
                MemoryCalls.map(
                        bytes, huge ? Math.max(alignment, HUGE_PAGE) : alignment, huge, mapping);
        if (status != 0) {
            throw new NativeMemoryException(
                    "The operating system refused "
                            + new ByteSize(bytes)
                            + " ("
                            + bytes
                            + " bytes) of "
                            + tag
                            + " memory; this model holds "
                            + snapshot());
        }
        synchronized (this) {
            usage.merge(tag, new MemorySnapshot.Usage(1, bytes), (used, one) -> used.plus(bytes));
        }
        return new MappedMemory(this, tag, bytes, mapping[0], mapping[1]);
    }

    /** What is handed out now. */
    public synchronized MemorySnapshot snapshot() {
        return new MemorySnapshot(usage);
    }

    /** Called once per block, by its close. */
    synchronized void closed(MappedMemory block) {
        usage.computeIfPresent(
                block.tag(), (tag, used) -> used.blocks() == 1 ? null : used.minus(block.bytes()));
        if (onClose == OnClose.RELEASE) {
            block.unmap();
            return;
        }
        block.poison();
        quarantine.addLast(block);
        quarantined += block.bytes();
        while (quarantined > QUARANTINE_BYTES) {
            MappedMemory oldest = quarantine.removeFirst();
            quarantined -= oldest.bytes();
            oldest.unmap();
        }
    }
}
