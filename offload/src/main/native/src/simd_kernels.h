// The vector kernels, written once over a vector type V that each instruction set defines:
//
//   V::Reg          a register of V::kWidth floats; V::kRegs = 32 / kWidth of them hold a group
//   V::kTokens      tokens of a tile in registers, with two weight rows
//   V::kFused       up to so many tokens weights are decoded in registers, without a panel
//   V::kSums        registers for the sums of attention
//   V::Nibbles      a map from 4-bit numbers to floats
//   V::exp2_scale   r * 2^n, with overflow to infinity and underflow towards zero
//
// Included by kernels_<isa>.cpp inside an anonymous namespace: no symbol of these files may be
// shared with code for older processors, so nothing of the C++ library is used here either.
//
// DEFINITION. One (weight row, token) pair is always accumulated like this, whatever the tile:
//
//   acc0 = acc1 = 0                                       vectors
//   for each group of 32 columns, each register j of it:
//       acc(j mod 2) = fma(w, x, acc(j mod 2))            the last group padded with zeros
//   result = sum of lanes(acc0 + acc1)                    in V::sum's fixed order
//
// So tiles only decide how often a weight is decoded and an activation loaded. One token reads each
// weight once and is bound by memory. With more than V::kFused tokens the weights of some rows
// are decoded into a panel in cache first, which then serves all tokens.

INLINE float load_half_fast(const uint8_t* from) { return V::half(load_u16(from)); }

#include "simd_decode.h"

// How far ahead of their use weights are asked for. Rows of quantised weights are short, and the
// processor's own prefetcher starts anew with each: without this most of the time of one token is
// latency (Q8_0 rows of 2 KiB on Zen 5: 7 GB/s without, 12, 21, 31, 32 GB/s at 2, 4, 8, 16 KiB).
// Asking beyond the end is harmless.
constexpr int kPrefetchBytes = 8192;

// Bytes of 32 elements, on average for K formats.
template <int Type>
constexpr int kGroupBytes = kBlockShapes[Type].bytes * kGroup / kBlockShapes[Type].elements;

template <int Type>
INLINE void prefetch_group(const uint8_t* row, int group) {
    const uint8_t* at = row + size_t(group) * kGroupBytes<Type> + kPrefetchBytes;
    for (int i = 0; i < kGroupBytes<Type>; i += 64) {
        _mm_prefetch(reinterpret_cast<const char*>(at + i), _MM_HINT_T0);
    }
}

// out[t][r0 + r] = dot(rows[r], x[t]) for r < R, t < T.
template <int Type, int R, int T>
INLINE void tile(
        const uint8_t* const* rows, const float* const* x, int cols, float* const* out, int r0) {
    V::Reg sums[R][T][2];
    for (int r = 0; r < R; r++) {
        for (int t = 0; t < T; t++) {
            sums[r][t][0] = sums[r][t][1] = V::zero();
        }
    }
    int groups = cols / kGroup;
    if constexpr (Type == kF32) {
        // Register by register: a larger tile fits.
        for (int at = 0; at < groups * kGroup; at += 2 * V::kWidth) {
            for (int j = 0; j < 2; j++) {
                V::Reg w[R];
                for (int r = 0; r < R; r++) {
                    w[r] = V::load(
                            reinterpret_cast<const float*>(rows[r]) + at + j * V::kWidth);
                }
                for (int t = 0; t < T; t++) {
                    V::Reg value = V::load(x[t] + at + j * V::kWidth);
                    for (int r = 0; r < R; r++) {
                        sums[r][t][j] = V::fma(w[r], value, sums[r][t][j]);
                    }
                }
            }
        }
    } else {
        RowReader<Type> readers[R];
        for (int r = 0; r < R; r++) {
            readers[r].row = rows[r];
        }
        for (int g = 0; g < groups; g++) {
            V::Reg w[R][V::kRegs];
            for (int r = 0; r < R; r++) {
                prefetch_group<Type>(rows[r], g);
                readers[r].get(g, w[r]);
            }
            for (int t = 0; t < T; t++) {
                for (int j = 0; j < V::kRegs; j++) {
                    V::Reg value = V::load(x[t] + g * kGroup + j * V::kWidth);
                    for (int r = 0; r < R; r++) {
                        sums[r][t][j % 2] = V::fma(w[r][j], value, sums[r][t][j % 2]);
                    }
                }
            }
        }
    }
    int rest = cols % kGroup;
    if (rest != 0) {
        for (int r = 0; r < R; r++) {
            alignas(64) float w[kGroup] = {};
            dequantize_group(Type, rows[r], groups, rest, w);
            for (int t = 0; t < T; t++) {
                alignas(64) float padded[kGroup] = {};
                __builtin_memcpy(padded, x[t] + groups * kGroup, size_t(rest) * 4);
                for (int j = 0; j < V::kRegs; j++) {
                    sums[r][t][j % 2] = V::fma(
                            V::load(w + j * V::kWidth),
                            V::load(padded + j * V::kWidth),
                            sums[r][t][j % 2]);
                }
            }
        }
    }
    for (int r = 0; r < R; r++) {
        for (int t = 0; t < T; t++) {
            out[t][r0 + r] = V::sum(V::add(sums[r][t][0], sums[r][t][1]));
        }
    }
}

// A tile of R rows and as many tokens as there are, at most T.
template <int Type, int R, int T>
void some_tokens(
        const uint8_t* const* rows,
        const float* const* x,
        int n,
        int cols,
        float* const* out,
        int r0) {
    if constexpr (T > 1) {
        if (n < T) {
            some_tokens<Type, R, T - 1>(rows, x, n, cols, out, r0);
            return;
        }
    }
    tile<Type, R, T>(rows, x, cols, out, r0);
}

// All rows of [begin, end), found `stride` bytes apart from `first`, against n <= T tokens.
template <int Type, int R, int T>
INLINE void all_rows(
        const uint8_t* first,
        size_t stride,
        int begin,
        int end,
        const float* const* x,
        int n,
        int cols,
        float* const* out) {
    int r = begin;
    for (; r + R <= end; r += R) {
        const uint8_t* rows[R];
        for (int i = 0; i < R; i++) {
            rows[i] = first + size_t(r - begin + i) * stride;
        }
        some_tokens<Type, R, T>(rows, x, n, cols, out, r);
    }
    for (; r < end; r++) {
        const uint8_t* row = first + size_t(r - begin) * stride;
        some_tokens<Type, 1, T>(&row, x, n, cols, out, r);
    }
}

template <int Type>
void dequantize_to(const uint8_t* row, int cols, float* out) {
    RowReader<Type> reader;
    reader.row = row;
    int groups = cols / kGroup;
    for (int g = 0; g < groups; g++) {
        V::Reg w[V::kRegs];
        prefetch_group<Type>(row, g);
        reader.get(g, w);
        for (int j = 0; j < V::kRegs; j++) {
            V::store(out + g * kGroup + j * V::kWidth, w[j]);
        }
    }
    if (cols % kGroup != 0) {
        dequantize_group(Type, row, groups, cols % kGroup, out + groups * kGroup);
    }
}

template <int Type>
void matmul(const MatmulCall& call) {
    const uint8_t* first = call.weights + size_t(call.row_begin) * call.row_bytes;
    if (call.n <= V::kFused) {
        if (call.n == 1) {
            all_rows<Type, 2, 1>(
                    first,
                    call.row_bytes,
                    call.row_begin,
                    call.row_end,
                    call.x,
                    1,
                    call.cols,
                    call.out);
        } else if (call.n > 1) {
            all_rows<Type, 2, V::kFused>(
                    first,
                    call.row_bytes,
                    call.row_begin,
                    call.row_end,
                    call.x,
                    call.n,
                    call.cols,
                    call.out);
        }
        return;
    }
    int panel = panel_rows(call.cols);
    size_t stride = size_t(padded_cols(call.cols));
    for (int r = call.row_begin; r < call.row_end; r += panel) {
        int end = r + panel < call.row_end ? r + panel : call.row_end;
        const uint8_t* rows = call.weights + size_t(r) * call.row_bytes;
        size_t row_bytes = call.row_bytes;
        if constexpr (Type != kF32) {
            for (int i = 0; i < end - r; i++) {
                dequantize_to<Type>(
                        rows + size_t(i) * row_bytes, call.cols, call.scratch + size_t(i) * stride);
            }
            rows = reinterpret_cast<const uint8_t*>(call.scratch);
            row_bytes = stride * 4;
        }
        for (int t = 0; t < call.n; t += V::kTokens) {
            all_rows<kF32, 2, V::kTokens>(
                    rows, row_bytes, r, end, call.x + t, call.n - t, call.cols, call.out + t);
        }
    }
}

void dequantize(int type, const uint8_t* row, int cols, float* out) {
    switch (type) {
        case kF32:
            return dequantize_to<kF32>(row, cols, out);
        case kF16:
            return dequantize_to<kF16>(row, cols, out);
        case kBF16:
            return dequantize_to<kBF16>(row, cols, out);
        case kQ8_0:
            return dequantize_to<kQ8_0>(row, cols, out);
        case kQ4_0:
            return dequantize_to<kQ4_0>(row, cols, out);
        case kQ4_K:
            return dequantize_to<kQ4_K>(row, cols, out);
        case kQ5_K:
            return dequantize_to<kQ5_K>(row, cols, out);
        case kQ6_K:
            return dequantize_to<kQ6_K>(row, cols, out);
        case kQ2_G32:
            return dequantize_to<kQ2_G32>(row, cols, out);
        default:
            return;
    }
}

void rms_norm(const float* x, const float* weight, float epsilon, int cols, float* out) {
    float squares;
    float* into = &squares;
    const uint8_t* row = reinterpret_cast<const uint8_t*>(x);
    tile<kF32, 1, 1>(&row, &x, cols, &into, 0);
    float scale = 1.0f / __builtin_sqrtf(squares / float(cols) + epsilon);
    V::Reg scales = V::broadcast(scale);
    int i = 0;
    for (; i + V::kWidth <= cols; i += V::kWidth) {
        V::store(out + i, V::mul(V::mul(V::load(x + i), scales), V::load(weight + i)));
    }
    for (; i < cols; i++) {
        out[i] = x[i] * scale * weight[i];
    }
}

// e^x, within 2 ulp where the result is a normal number; results below 2^-126 may lose precision,
// NaN stays NaN. Range reduction by multiples of ln 2 split in two, then a polynomial of degree 6
// (Moshier, Cephes library, expf).
INLINE V::Reg exp(V::Reg x) {
    // In this order a NaN of x survives both.
    x = V::min(V::broadcast(90.0f), V::max(V::broadcast(-110.0f), x));
    V::Reg n = V::round(V::mul(x, V::broadcast(1.44269504088896341f)));
    V::Reg r = V::fma(n, V::broadcast(-0.693359375f), x);
    r = V::fma(n, V::broadcast(2.12194440e-4f), r);
    V::Reg p = V::broadcast(1.9875691500e-4f);
    p = V::fma(p, r, V::broadcast(1.3981999507e-3f));
    p = V::fma(p, r, V::broadcast(8.3334519073e-3f));
    p = V::fma(p, r, V::broadcast(4.1665795894e-2f));
    p = V::fma(p, r, V::broadcast(1.6666665459e-1f));
    p = V::fma(p, r, V::broadcast(5.0000001201e-1f));
    p = V::fma(p, V::mul(r, r), V::add(r, V::broadcast(1.0f)));
    return V::exp2_scale(p, n);
}

INLINE V::Reg silu_mul_vector(V::Reg gate, V::Reg up) {
    V::Reg one = V::broadcast(1.0f);
    V::Reg denominator = V::add(one, exp(V::sub(V::zero(), gate)));
    return V::mul(V::div(gate, denominator), up);
}

void silu_mul(float* gate, const float* up, int count) {
    int i = 0;
    for (; i + V::kWidth <= count; i += V::kWidth) {
        V::store(gate + i, silu_mul_vector(V::load(gate + i), V::load(up + i)));
    }
    if (i < count) {
        // The same arithmetic for the rest, on padded copies.
        alignas(64) float gates[V::kWidth] = {};
        alignas(64) float ups[V::kWidth] = {};
        __builtin_memcpy(gates, gate + i, size_t(count - i) * 4);
        __builtin_memcpy(ups, up + i, size_t(count - i) * 4);
        V::store(gates, silu_mul_vector(V::load(gates), V::load(ups)));
        __builtin_memcpy(gate + i, gates, size_t(count - i) * 4);
    }
}

#include "simd_attention.h"

constexpr KernelTable kTable = {
        V::kName,
        {matmul<kF32>,
         matmul<kF16>,
         matmul<kBF16>,
         matmul<kQ8_0>,
         matmul<kQ4_0>,
         matmul<kQ4_K>,
         matmul<kQ5_K>,
         matmul<kQ6_K>,
         matmul<kQ2_G32>},
        dequantize,
        rms_norm,
        silu_mul,
        attention};
