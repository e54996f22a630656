// What the processor and its operating system support.
#ifndef GREENROOM_CPU_H
#define GREENROOM_CPU_H

#include <cstdint>

#include "kernel_table.h"

namespace greenroom {

// The kernels of an instruction set, or null if this build or this processor lacks it.
const KernelTable* kernels_of(int32_t isa);

struct CpuFeatures {
    bool avx2;         // AVX2, FMA and F16C, with the state of ymm registers saved
    bool avx512;       // AVX-512 F, BW, VL and DQ, with the state of zmm registers saved
    bool avx_vnni;     // VNNI on ymm registers without AVX-512
    bool avx512_vnni;
};

// Asked of the processor once.
const CpuFeatures& cpu_features();

}  // namespace greenroom

#endif
