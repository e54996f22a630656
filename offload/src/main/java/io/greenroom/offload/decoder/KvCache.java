package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.KvPages;

/**
 * Which pages of the KV cache belong to whom. A request reserves every page it may come to need
 * when it is admitted, so that one that has begun never has to wait or give way for memory.
 *
 * <p>Used by the scheduler's thread only; the memory itself belongs to whoever allocated it.
 */
final class KvCache {

    /** Positions per page: a small share of a context, and whole lanes for the kernels. */
    static final int PAGE_SIZE = 32;

    private final KvPages pages;
    private final int[] free; // a stack of page indices
    private int freeCount;

    KvCache(KvPages pages) {
        this.pages = pages;
        this.free = new int[pages.pages()];
        this.freeCount = free.length;
        for (int i = 0; i < free.length; i++) {
            free[i] = free.length - 1 - i;
        }
    }

    /** Pages that hold this many positions. */
    static int pagesFor(int positions) {
        return (positions + PAGE_SIZE - 1) / PAGE_SIZE;
    }

    /**
     * Number of pages a model gets: a full context for each of {@code maxConcurrent} requests, but
     * no more than {@code maxBytes}, and always at least one full context.
     *
     * @param pageBytes bytes of one page over all layers
     */
    static int poolPages(int contextLength, int maxConcurrent, long pageBytes, long maxBytes) {
        long oneContext = pagesFor(contextLength);
        long wanted = oneContext * maxConcurrent;
        long affordable = maxBytes / pageBytes;
        // Cell indices are ints.
        long addressable = Integer.MAX_VALUE / PAGE_SIZE;
        long pages = Math.max(oneContext, Math.min(wanted, affordable));
        return Math.toIntExact(Math.min(pages, addressable));
    }

    KvPages pages() {
        return pages;
    }

    int freePages() {
        return freeCount;
    }

    int usedPages() {
        return free.length - freeCount;
    }

    boolean canReserve(int positions) {
        return pagesFor(positions) <= freeCount;
    }

    /**
     * Takes pages for this many positions.
     *
     * @return the page table: page indices in order of position
     * @throws IllegalStateException if too few are free
     */
    int[] reserve(int positions) {
        int count = pagesFor(positions);
        if (count > freeCount) {
            throw new IllegalStateException(
                    "KV cache has "
                            + freeCount
                            + " of "
                            + free.length
                            + " pages free, "
                            + count
                            + " are needed for "
                            + positions
                            + " tokens");
        }
        int[] table = new int[count];
        for (int i = 0; i < count; i++) {
            table[i] = free[--freeCount];
        }
        return table;
    }

    /** Takes back what {@link #reserve} gave. */
    void release(int[] table) {
        for (int page : table) {
            free[freeCount++] = page;
        }
    }

    /** The cell of a position in a sequence with this page table. */
    static int cell(int[] table, int position) {
        return table[position / PAGE_SIZE] * PAGE_SIZE + position % PAGE_SIZE;
    }
}
