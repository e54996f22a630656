package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.memory.MemoryTag;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KvCacheTest {

    @Test
    void pagesAreHandedOutOnceAndComeHome() {
        KvCache cache = cache(4);
        int[] first = cache.reserve(33);
        int[] second = cache.reserve(64);
        assertThat(first).hasSize(2);
        assertThat(second).hasSize(2);
        Set<Integer> pages = new HashSet<>();
        for (int[] table : new int[][] {first, second}) {
            for (int page : table) {
                pages.add(page);
            }
        }
        assertThat(pages).containsExactlyInAnyOrder(0, 1, 2, 3);
        assertThat(cache.canReserve(1)).isFalse();
        assertThatIllegalStateException()
                .isThrownBy(() -> cache.reserve(40))
                .withMessage("KV cache has 0 of 4 pages free, 2 are needed for 40 tokens");

        cache.release(first);
        assertThat(cache.freePages()).isEqualTo(2);
        assertThat(cache.reserve(64)).hasSize(2);
    }

    @Test
    void cellsFollowThePageTable() {
        int[] table = {5, 2};
        assertThat(KvCache.cell(table, 0)).isEqualTo(5 * 32);
        assertThat(KvCache.cell(table, 31)).isEqualTo(5 * 32 + 31);
        assertThat(KvCache.cell(table, 32)).isEqualTo(2 * 32);
    }

    @ParameterizedTest
    @CsvSource({
        "2048, 8, 1000, 1000000000, 512", // all that could ever be used
        "2048, 8, 1000, 100000, 100", // what the memory allows
        "2048, 8, 1000, 5000, 64", // one context at least
        "33, 2, 1000, 1000000, 4", // whole pages
    })
    void theNumberOfPagesFollowsContextRequestsAndMemory(
            int context, int concurrent, long pageBytes, long maxBytes, int expected) {
        assertThat(KvCache.poolPages(context, concurrent, pageBytes, maxBytes)).isEqualTo(expected);
    }

    static KvCache cache(int pages) {
        long bytes = KvPages.bytesFor(KvPages.Type.F32, 1, pages, KvCache.PAGE_SIZE, 1, 2);
        return new KvCache(
                new KvPages(
                        new DirectMemory(MemoryTag.KV_CACHE, bytes),
                        KvPages.Type.F32,
                        1,
                        pages,
                        KvCache.PAGE_SIZE,
                        1,
                        2));
    }
}
