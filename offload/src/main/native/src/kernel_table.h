// What an instruction set brings: single-threaded kernels over a range of independent results.
//
// REGULARITIES. cols is usually a multiple of 256 (always whole blocks), head_dim 64 or 128. No
// kernel reads beyond the last element of a row. None allocates: scratch comes with the call.
#ifndef GREENROOM_KERNEL_TABLE_H
#define GREENROOM_KERNEL_TABLE_H

#include "types.h"

namespace greenroom {

// out[t][r] = dot(w[r], x[t]) for rows r of [row_begin, row_end) and all t < n.
struct MatmulCall {
    const uint8_t* weights;  // row 0
    size_t row_bytes;
    int cols;
    int row_begin;
    int row_end;
    const float* const* x;  // n rows of [cols]
    float* const* out;      // n rows, indexed by r
    int n;
    float* scratch;  // panel_floats(cols) floats, aligned to 64 bytes
};

// One query row against one key-value head, for the `group` query heads that share it.
struct AttentionCall {
    const float* q;        // [group, head_dim]
    const uint8_t* keys;   // of this head in page 0
    const uint8_t* values; // of this head in page 0
    size_t page_bytes;     // from one page to the next
    size_t cell_bytes;     // from one position of a page to the next: no gaps
    bool half;             // cells are float16, else float32
    const int32_t* pages;
    int page_size;
    int count;  // positions 0 to count - 1
    int group;
    int head_dim;
    float scale;
    float* scores;  // scratch [group, count]
    float* out;     // [group, head_dim]
};

using MatmulKernel = void (*)(const MatmulCall&);

struct KernelTable {
    const char* name;
    MatmulKernel matmul[kTypes];

    // out[i] = row[i], i < cols, of one weight row.
    void (*dequantize)(int type, const uint8_t* row, int cols, float* out);

    // out = x / sqrt(mean(x^2) + epsilon) * weight, over one row; out may be x.
    void (*rms_norm)(const float* x, const float* weight, float epsilon, int cols, float* out);

    // gate[i] = silu(gate[i]) * up[i]; an element's result does not depend on i or count.
    void (*silu_mul)(float* gate, const float* up, int count);

    void (*attention)(const AttentionCall&);
};

// Rows of a dequantised panel: as many as keep it in half of a small L2 cache, at least 2.
static inline int panel_rows(int cols) {
    int rows = 32768 / (cols > 0 ? cols : 1);
    rows = rows > 16 ? 16 : rows;
    return rows < 2 ? 2 : rows & ~1;
}

static inline int padded_cols(int cols) { return (cols + 31) & ~31; }

static inline size_t panel_floats(int cols) {
    return size_t(panel_rows(cols)) * size_t(padded_cols(cols));
}

// The tables; a build without an instruction set answers null.
const KernelTable* scalar_kernels();
const KernelTable* avx2_kernels();
const KernelTable* avx512_kernels();

}  // namespace greenroom

#endif
