#include <sys/mman.h>

#include "fixtures.h"

using namespace testing;

TEST(memory, is_zeroed_aligned_and_whole) {
    for (size_t alignment : {1u, 64u, 4096u, 65536u, 2u << 20}) {
        for (size_t bytes : {1u, 4095u, 4097u, 5u << 20}) {
            gr_mapping mapping = {nullptr, 0};
            CHECK(gr_memory_map(bytes, alignment, bytes > 4096, &mapping) == GR_OK, "map");
            CHECK(reinterpret_cast<uintptr_t>(mapping.address) % alignment == 0, "alignment");
            CHECK(mapping.bytes >= bytes, "size");
            uint8_t* data = static_cast<uint8_t*>(mapping.address);
            CHECK(data[0] == 0 && data[bytes - 1] == 0, "zero");
            gr_memory_fill(data, bytes, 0xFF);
            CHECK(data[0] == 0xFF && data[bytes - 1] == 0xFF, "fill");
            gr_memory_unmap(mapping);
        }
    }
}

TEST(memory, discarded_pages_are_gone_and_zero_again) {
    size_t huge = 2u << 20;
    gr_mapping mapping = {nullptr, 0};
    // far more than any machine has: only what is written to is real
    CHECK(gr_memory_reserve(size_t(1) << 42, huge, &mapping) == GR_OK, "4 TiB");
    uint8_t* data = static_cast<uint8_t*>(mapping.address);
    CHECK(reinterpret_cast<uintptr_t>(data) % huge == 0, "alignment");
    gr_memory_huge(data, 2 * huge);
    gr_memory_fill(data, 3 * huge, 0xFF);
    unsigned char resident[1] = {0};
    CHECK(mincore(data + huge, 1, resident) == 0 && (resident[0] & 1) == 1, "there");
    CHECK(gr_memory_discard(data + huge, huge) == GR_OK, "discard");
    CHECK(mincore(data + huge, 1, resident) == 0 && (resident[0] & 1) == 0, "gone");
    CHECK(data[huge - 1] == 0xFF && data[2 * huge] == 0xFF, "neighbours");
    CHECK(data[huge] == 0 && data[2 * huge - 1] == 0, "zero");
    CHECK(gr_memory_discard(data + 1, huge) == GR_BAD_ARGUMENT, "odd address");
    CHECK(gr_memory_discard(nullptr, huge) == GR_BAD_ARGUMENT, "null");
    gr_memory_unmap(mapping);
}

TEST(memory, refuses_the_impossible) {
    gr_mapping mapping = {nullptr, 0};
    CHECK(gr_memory_map(0, 64, 0, &mapping) == GR_BAD_ARGUMENT, "nothing");
    CHECK(gr_memory_map(64, 48, 0, &mapping) == GR_BAD_ARGUMENT, "alignment");
    CHECK(gr_memory_map(SIZE_MAX, 64, 0, &mapping) == GR_OUT_OF_MEMORY, "all of it");
    CHECK(gr_memory_map(size_t(1) << 60, 64, 0, &mapping) == GR_OUT_OF_MEMORY, "an exbibyte");
    CHECK(mapping.address == nullptr, "untouched");
}
