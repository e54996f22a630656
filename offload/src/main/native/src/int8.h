// Activations in 8 bits, for contexts of precision GR_INT8.
//
// Each block of 32 values x becomes q = round(x / d) with d = max|x| / 127, as ggml's Q8_0 does, but
// with d in float32. One portable quantiser serves every instruction set.
#ifndef GREENROOM_INT8_H
#define GREENROOM_INT8_H

#include "types.h"

namespace greenroom {

constexpr int kBlock = 32;

// Views of one quantised row in memory of quantized_bytes(cols).
struct QuantizedRow {
    const int8_t* q;      // [cols], -127 to 127
    const float* scales;  // [cols / 32]
    const int32_t* sums;  // [cols / 32], the sum of each block's q
};

static inline size_t align64(size_t bytes) { return (bytes + 63) & ~size_t(63); }

static inline size_t quantized_bytes(int cols) {
    return align64(size_t(cols)) + 2 * align64(size_t(cols / kBlock) * 4);
}

static inline QuantizedRow quantized_row(const uint8_t* memory, int cols) {
    const uint8_t* scales = memory + align64(size_t(cols));
    const uint8_t* sums = scales + align64(size_t(cols / kBlock) * 4);
    return {reinterpret_cast<const int8_t*>(memory),
            reinterpret_cast<const float*>(scales),
            reinterpret_cast<const int32_t*>(sums)};
}

// cols is a multiple of 32, memory aligned to 64. A block with an infinity or NaN gets scale NaN.
void quantize_row(const float* x, int cols, uint8_t* memory);

// out[t][r] = dot(w[r], x[t]), w of type Q8_0 or Q4_0.
//
// DEFINITION, for one (row, token) pair:
//
//   lanes[0..3] = 0
//   for each block b:  lanes[b mod 4] += float(integer dot of the block) * (w's d * x's d)
//   result = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])
//
// The integer dot is exact, so how it is formed is free; the sum above it is not.
struct Int8Call {
    const uint8_t* weights;  // row 0
    size_t row_bytes;
    int cols;
    int row_begin;
    int row_end;
    const QuantizedRow* x;  // n rows
    float* const* out;      // n rows, indexed by r
    int n;
    uint8_t* scratch;  // int8_panel_bytes(cols), aligned to 64 bytes
};

using Int8Kernel = void (*)(const Int8Call&);

// The kernels of one instruction set.
struct Int8Table {
    Int8Kernel q8_0;
    Int8Kernel q4_0;
};

// 16 rows of bytes and their scales.
static inline size_t int8_panel_bytes(int cols) {
    return size_t(cols) * 16 + size_t(cols / kBlock) * 16 * 4;
}

// Tables of instruction sets; null in a build without.
const Int8Table* scalar_int8_kernels();
const Int8Table* avx2_int8_kernels();
const Int8Table* avx512_vnni_int8_kernels();

}  // namespace greenroom

#endif
