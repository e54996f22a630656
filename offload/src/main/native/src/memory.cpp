#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "greenroom.h"

gr_status gr_memory_map(size_t bytes, size_t alignment, int32_t huge, gr_mapping* mapping) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (mapping == nullptr || bytes == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) {
        return GR_BAD_ARGUMENT;
    }
    size_t slack = alignment > page ? alignment : 0;
    if (bytes > SIZE_MAX - page - slack) {
        return GR_OUT_OF_MEMORY;
    }
    size_t rounded = (bytes + page - 1) & ~(page - 1);
    void* base = mmap(nullptr,
                      rounded + slack,
                      PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS,
                      -1,
                      0);
    if (base == MAP_FAILED) {
        return GR_OUT_OF_MEMORY;
    }
    // Cut the slack off on both sides of the aligned block.
    uintptr_t start = reinterpret_cast<uintptr_t>(base);
    uintptr_t aligned = (start + alignment - 1) & ~(static_cast<uintptr_t>(alignment) - 1);
    if (slack != 0) {
        size_t before = aligned - start;
        size_t after = slack - before;
        if (before != 0) {
            munmap(base, before);
        }
        if (after != 0) {
            munmap(reinterpret_cast<void*>(aligned + rounded), after);
        }
    }
    mapping->address = reinterpret_cast<void*>(aligned);
    mapping->bytes = rounded;
#ifdef MADV_HUGEPAGE
    if (huge) {
        madvise(mapping->address, rounded, MADV_HUGEPAGE);  // advice: a refusal changes nothing
    }
#endif
    return GR_OK;
}

void gr_memory_unmap(gr_mapping mapping) {
    if (mapping.address != nullptr) {
        munmap(mapping.address, mapping.bytes);
    }
}

void gr_memory_fill(void* address, size_t bytes, int32_t value) {
    std::memset(address, value, bytes);
}
