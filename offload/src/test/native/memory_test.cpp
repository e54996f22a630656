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

TEST(memory, refuses_the_impossible) {
    gr_mapping mapping = {nullptr, 0};
    CHECK(gr_memory_map(0, 64, 0, &mapping) == GR_BAD_ARGUMENT, "nothing");
    CHECK(gr_memory_map(64, 48, 0, &mapping) == GR_BAD_ARGUMENT, "alignment");
    CHECK(gr_memory_map(SIZE_MAX, 64, 0, &mapping) == GR_OUT_OF_MEMORY, "all of it");
    CHECK(gr_memory_map(size_t(1) << 60, 64, 0, &mapping) == GR_OUT_OF_MEMORY, "an exbibyte");
    CHECK(mapping.address == nullptr, "untouched");
}
