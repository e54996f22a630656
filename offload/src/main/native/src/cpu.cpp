#include "cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace greenroom {
namespace {

#if defined(__x86_64__)

bool bit(uint32_t word, int index) { return (word >> index) & 1u; }

// Which register states the operating system saves (XCR0).
uint64_t saved_states() {
    uint32_t low;
    uint32_t high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t(high) << 32) | low;
}

CpuFeatures detect() {
    CpuFeatures features = {};
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) {
        return features;
    }
    bool fma = bit(c, 12);
    bool osxsave = bit(c, 27);
    bool avx = bit(c, 28);
    bool f16c = bit(c, 29);
    if (!osxsave || !avx) {
        return features;
    }
    uint64_t states = saved_states();
    bool ymm = (states & 0x6) == 0x6;
    bool zmm = (states & 0xE6) == 0xE6;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        return features;
    }
    features.avx2 = ymm && fma && f16c && bit(b, 5);
    features.avx512 = features.avx2 && zmm && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31);
    features.avx512_vnni = features.avx512 && bit(c, 11);
    return features;
}

#else

CpuFeatures detect() { return {}; }

#endif

}  // namespace

const CpuFeatures& cpu_features() {
    static const CpuFeatures features = detect();
    return features;
}

const KernelTable* kernels_of(int32_t isa) {
    switch (isa) {
        case GR_ISA_SCALAR:
            return scalar_kernels();
        case GR_ISA_AVX2:
            return cpu_features().avx2 ? avx2_kernels() : nullptr;
        case GR_ISA_AVX512:
            return cpu_features().avx512 ? avx512_kernels() : nullptr;
        default:
            return nullptr;
    }
}

const Int8Table* int8_kernels_of(int32_t isa) {
    if (isa == GR_ISA_AVX512 && cpu_features().avx512_vnni) {
        return avx512_vnni_int8_kernels();
    }
    return isa == GR_ISA_SCALAR ? scalar_int8_kernels() : avx2_int8_kernels();
}

}  // namespace greenroom
