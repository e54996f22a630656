#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "greenroom.h"

namespace {

/** Maps whole pages at a multiple of alignment. */
gr_status map_aligned(size_t bytes, size_t alignment, int flags, gr_mapping* mapping) {
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
                      MAP_PRIVATE | MAP_ANONYMOUS | flags,
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
    return GR_OK;
}

}  // namespace

gr_status gr_memory_map(size_t bytes, size_t alignment, int32_t huge, gr_mapping* mapping) {
    gr_status status = map_aligned(bytes, alignment, 0, mapping);
    if (status == GR_OK && huge) {
        gr_memory_huge(mapping->address, mapping->bytes);
    }
    return status;
}

gr_status gr_memory_reserve(size_t bytes, size_t alignment, gr_mapping* mapping) {
    gr_status status = map_aligned(bytes, alignment, MAP_NORESERVE, mapping);
#ifdef MADV_NOHUGEPAGE
    if (status == GR_OK) {
        // Where huge pages are the system's default, the first byte written would make 2 MiB real.
        madvise(mapping->address, mapping->bytes, MADV_NOHUGEPAGE);
    }
#endif
    return status;
}

void gr_memory_huge(void* address, size_t bytes) {
#ifdef MADV_HUGEPAGE
    madvise(address, bytes, MADV_HUGEPAGE);  // advice: a refusal changes nothing
#else
    (void)address;
    (void)bytes;
#endif
}

gr_status gr_memory_discard(void* address, size_t bytes) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (address == nullptr || reinterpret_cast<uintptr_t>(address) % page != 0) {
        return GR_BAD_ARGUMENT;
    }
    // Linux drops the pages of private anonymous memory at once. Elsewhere DONTNEED may be a mere
    // hint, and a fresh mapping over the old one does the same.
#ifdef __linux__
    int failed = madvise(address, bytes, MADV_DONTNEED);
#else
    int failed = mmap(address,
                      bytes,
                      PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
                      -1,
                      0) == MAP_FAILED;
#endif
    return failed ? GR_OUT_OF_MEMORY : GR_OK;
}

void gr_memory_unmap(gr_mapping mapping) {
    if (mapping.address != nullptr) {
        munmap(mapping.address, mapping.bytes);
    }
}

void gr_memory_fill(void* address, size_t bytes, int32_t value) {
    std::memset(address, value, bytes);
}
