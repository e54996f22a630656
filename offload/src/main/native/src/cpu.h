// What the processor and its operating system support.
#ifndef GREENROOM_CPU_H
#define GREENROOM_CPU_H

#include <cstdint>

#include "int8.h"
#include "kernel_table.h"

namespace greenroom {

// The kernels of an instruction set, or null if this build or this processor lacks it.
const KernelTable* kernels_of(int32_t isa);

// The integer kernels that go with them; never null where kernels_of is not.
const Int8Table* int8_kernels_of(int32_t isa);

struct CpuFeatures {
    bool avx2;         // AVX2, FMA and F16C, with the state of ymm registers saved
    bool avx512;       // AVX-512 F, BW, VL and DQ, with the state of zmm registers saved
    bool avx512_vnni;  // and its integer dot products
};

// Asked of the processor once.
const CpuFeatures& cpu_features();

}  // namespace greenroom

#endif
