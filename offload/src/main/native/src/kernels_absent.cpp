// Stands in for the vector files on processors other than x86-64.

#include "int8.h"
#include "kernel_table.h"

namespace greenroom {

const KernelTable* avx2_kernels() { return nullptr; }

const KernelTable* avx512_kernels() { return nullptr; }

const Int8Table* avx2_int8_kernels() { return nullptr; }

const Int8Table* avx512_vnni_int8_kernels() { return nullptr; }

}  // namespace greenroom
