#include "context.h"

#include <new>
#include <system_error>

#include "cpu.h"

using greenroom::KernelTable;

int32_t gr_abi_version(void) { return GR_ABI_VERSION; }

uint32_t gr_isa_available(void) {
    uint32_t mask = 0;
    for (int32_t isa = GR_ISA_SCALAR; isa <= GR_ISA_AVX512; isa++) {
        if (greenroom::kernels_of(isa) != nullptr) {
            mask |= 1u << isa;
        }
    }
    return mask;
}

int32_t gr_isa_has_vnni(int32_t isa) {
    return isa == GR_ISA_AVX512 && greenroom::kernels_of(isa) != nullptr &&
            greenroom::cpu_features().avx512_vnni;
}

gr_status gr_context_create(int32_t threads, int32_t isa, int32_t precision, gr_context** context) {
    if (context == nullptr || threads < 1 || threads > 1024 ||
        (precision != GR_FLOAT32 && precision != GR_INT8)) {
        return GR_BAD_ARGUMENT;
    }
    const KernelTable* kernels = greenroom::kernels_of(isa);
    if (kernels == nullptr) {
        return GR_UNSUPPORTED_ISA;
    }
    try {
        const greenroom::Int8Table* int8 =
                precision == GR_INT8 ? greenroom::int8_kernels_of(isa) : nullptr;
        *context = new gr_context(kernels, int8, threads);
        return GR_OK;
    } catch (const std::bad_alloc&) {
        return GR_OUT_OF_MEMORY;
    } catch (...) {
        return GR_NO_THREADS;
    }
}

void gr_context_destroy(gr_context* context) { delete context; }
