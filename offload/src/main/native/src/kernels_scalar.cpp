// The definition of every kernel, in portable C++ without contraction of a * b + c.
//
// Sums run in 16 lanes (element i in lane i mod 16), folded pairwise at the end. That is as exact as
// the vector twins, and an ordinary compiler turns it into the baseline's vectors.

#include <cmath>

#include "dequantize.h"
#include "kernel_table.h"

namespace greenroom {
namespace {

constexpr int kLanes = 16;

float fold(float* lanes) {
    for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; i++) {
            lanes[i] += lanes[i + width];
        }
    }
    return lanes[0];
}

float dot(const float* a, const float* b, int count) {
    float lanes[kLanes] = {};
    int i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        for (int lane = 0; lane < kLanes; lane++) {
            lanes[lane] += a[i + lane] * b[i + lane];
        }
    }
    for (int lane = 0; i + lane < count; lane++) {
        lanes[lane] += a[i + lane] * b[i + lane];
    }
    return fold(lanes);
}

template <int Type>
void matmul(const MatmulCall& call) {
    for (int r = call.row_begin; r < call.row_end; r++) {
        dequantize_row(
                Type, call.weights + size_t(r) * call.row_bytes, call.cols, call.scratch);
        for (int t = 0; t < call.n; t++) {
            call.out[t][r] = dot(call.scratch, call.x[t], call.cols);
        }
    }
}

void rms_norm(const float* x, const float* weight, float epsilon, int cols, float* out) {
    float scale = 1.0f / std::sqrt(dot(x, x, cols) / float(cols) + epsilon);
    for (int i = 0; i < cols; i++) {
        out[i] = x[i] * scale * weight[i];
    }
}

void silu_mul(float* gate, const float* up, int count) {
    for (int i = 0; i < count; i++) {
        gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
    }
}

const uint8_t* cell_of(const AttentionCall& call, const uint8_t* cells, int position) {
    int page = call.pages[position / call.page_size];
    return cells + size_t(page) * call.page_bytes +
            size_t(position % call.page_size) * call.cell_bytes;
}

// Decodes up to 32 elements of a cell from element `from`.
void read_cell(const AttentionCall& call, const uint8_t* cell, int from, int count, float* out) {
    if (call.half) {
        dequantize_group(kF16, cell + size_t(from) * 2, 0, count, out);
    } else {
        dequantize_group(kF32, cell + size_t(from) * 4, 0, count, out);
    }
}

void attention(const AttentionCall& call) {
    float buffer[kGroup];
    for (int h = 0; h < call.group; h++) {
        const float* q = call.q + size_t(h) * size_t(call.head_dim);
        float* scores = call.scores + size_t(h) * size_t(call.count);
        float* out = call.out + size_t(h) * size_t(call.head_dim);
        float highest = -INFINITY;
        for (int p = 0; p < call.count; p++) {
            const uint8_t* key = cell_of(call, call.keys, p);
            float sum = 0;
            for (int d = 0; d < call.head_dim; d += kGroup) {
                int width = call.head_dim - d < kGroup ? call.head_dim - d : kGroup;
                read_cell(call, key, d, width, buffer);
                sum += dot(q + d, buffer, width);
            }
            scores[p] = sum * call.scale;
            highest = scores[p] > highest ? scores[p] : highest;
        }
        float total = 0;
        for (int p = 0; p < call.count; p++) {
            scores[p] = std::exp(scores[p] - highest);
            total += scores[p];
        }
        for (int d = 0; d < call.head_dim; d++) {
            out[d] = 0;
        }
        for (int p = 0; p < call.count; p++) {
            const uint8_t* value = cell_of(call, call.values, p);
            float weight = scores[p] / total;
            for (int d = 0; d < call.head_dim; d += kGroup) {
                int width = call.head_dim - d < kGroup ? call.head_dim - d : kGroup;
                read_cell(call, value, d, width, buffer);
                for (int i = 0; i < width; i++) {
                    out[d + i] += weight * buffer[i];
                }
            }
        }
    }
}

constexpr KernelTable kTable = {
        "scalar",
        {matmul<kF32>,
         matmul<kF16>,
         matmul<kBF16>,
         matmul<kQ8_0>,
         matmul<kQ4_0>,
         matmul<kQ4_K>,
         matmul<kQ5_K>,
         matmul<kQ6_K>,
         matmul<kQ2_G32>},
        dequantize_row,
        rms_norm,
        silu_mul,
        attention};

}  // namespace

const KernelTable* scalar_kernels() { return &kTable; }

}  // namespace greenroom
