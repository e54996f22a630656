package io.greenroom.offload.kernel;

/**
 * Page tables as native code reads them: one array, and where each sequence begins in it. Only the
 * pages that a call will look at are in it, and each was checked.
 *
 * @param pages page indices, sequence after sequence
 * @param offsets per sequence its first entry in {@code pages}
 */
record FlatPageTables(int[] pages, int[] offsets) {

    static FlatPageTables of(
            KvPages cache, int n, int[] positions, int[] sequences, int[][] pageTables) {
        int[] needed = new int[pageTables.length];
        for (int i = 0; i < n; i++) {
            int pages = positions[i] / cache.pageSize() + 1;
            needed[sequences[i]] = Math.max(needed[sequences[i]], pages);
        }
        int[] offsets = new int[pageTables.length];
        int total = 0;
        for (int s = 0; s < pageTables.length; s++) {
            offsets[s] = total;
            total = Math.addExact(total, needed[s]);
        }
        int[] flat = new int[total];
        for (int s = 0; s < pageTables.length; s++) {
            check(s, pageTables[s], needed[s], cache.pages());
            System.arraycopy(pageTables[s], 0, flat, offsets[s], needed[s]);
        }
        return new FlatPageTables(flat, offsets);
    }

    private static void check(int sequence, int[] table, int needed, int pages) {
        if (table.length < needed) {
            throw new IndexOutOfBoundsException(
                    "attention: sequence "
                            + sequence
                            + " has "
                            + table.length
                            + " pages, its positions need "
                            + needed);
        }
        for (int i = 0; i < needed; i++) {
            if (table[i] < 0 || table[i] >= pages) {
                throw new IndexOutOfBoundsException(
                        "attention: page "
                                + i
                                + " of sequence "
                                + sequence
                                + " is "
                                + table[i]
                                + ", must be 0 to "
                                + (pages - 1));
            }
        }
    }
}
