// Products in integers for AVX-512 with VNNI: Intel since Cascade Lake, AMD since Zen 4. One
// instruction multiplies 64 unsigned by 64 signed bytes and adds them up by fours.
//
// Few tokens go row by row. More meet a panel of 16 rows, interleaved by four columns so that a lane
// is a row: no sum across lanes is needed and one vector holds the 16 rows' scales.

#include <immintrin.h>

#include "half.h"
#include "int8.h"

#define INLINE __attribute__((always_inline)) inline

namespace greenroom {
namespace {

#include "int8_rows.h"

struct Q8_0 {
    static constexpr int kBytes = 34;
    static constexpr int kCentre = 128;

    // w + 128, without sign.
    INLINE static __m256i bytes(const uint8_t* block) {
        return _mm256_xor_si256(load256(block + 2), _mm256_set1_epi8(-128));
    }

    INLINE static __m256i dot(const uint8_t* block, const int8_t* x) {
        return _mm256_dpbusd_epi32(_mm256_setzero_si256(), bytes(block), load256(x));
    }
};

struct Q4_0 {
    static constexpr int kBytes = 18;
    static constexpr int kCentre = 8;

    INLINE static __m256i bytes(const uint8_t* block) { return nibbles(block + 2); }

    INLINE static __m256i dot(const uint8_t* block, const int8_t* x) {
        return _mm256_dpbusd_epi32(_mm256_setzero_si256(), bytes(block), load256(x));
    }
};

constexpr int kRows = 16;          // of a panel: the lanes of a register
constexpr int kPanelTokens = 3;    // from so many on a panel pays
constexpr int kTokens = 4;         // of a tile
constexpr int kBlockBytes = kRows * kBlock;

// Transposes 8 x 8 numbers of 32 bits: pairs, then fours, then halves.
INLINE void transpose(__m256i (&v)[8]) {
    __m256i pairs[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    }
    __m256i fours[8];
    for (int i = 0; i < 8; i += 4) {
        fours[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31);
    }
}

// bytes: [blocks][8 groups of 4 columns][16 rows][4 columns]; scales: [blocks][16 rows].
template <class I>
void fill_panel(const uint8_t* first, size_t row_bytes, int blocks, uint8_t* bytes, float* scales) {
    for (int b = 0; b < blocks; b++) {
        for (int eight = 0; eight < kRows; eight += 8) {
            const uint8_t* block = first + size_t(eight) * row_bytes + size_t(b) * I::kBytes;
            __m256i v[8];
            for (int i = 0; i < 8; i++) {
                v[i] = I::bytes(block + size_t(i) * row_bytes);
                // The same place of the next panel.
                _mm_prefetch(
                        reinterpret_cast<const char*>(block + size_t(i + kRows) * row_bytes),
                        _MM_HINT_T0);
            }
            transpose(v);
            for (int k = 0; k < 8; k++) {
                uint8_t* to = bytes + size_t(b) * kBlockBytes + (k * kRows + eight) * 4;
                _mm256_store_si256(reinterpret_cast<__m256i*>(to), v[k]);
            }
            for (int i = 0; i < 8; i += 4) {
                _mm_store_ps(
                        scales + b * kRows + eight + i,
                        four_halves(block + size_t(i) * row_bytes, row_bytes));
            }
        }
    }
}

INLINE int32_t four_bytes(const int8_t* from) {
    int32_t value;
    __builtin_memcpy(&value, from, 4);
    return value;
}

// Adds block b of T tokens to their sums of lane b mod 4.
template <class I, int T>
INLINE void add_block(
        const uint8_t* bytes,
        const float* scales,
        const QuantizedRow* x,
        int b,
        __m512 (&sums)[T][4],
        int lane) {
    const uint8_t* block = bytes + size_t(b) * kBlockBytes;
    __m512i dots[T];
    for (int t = 0; t < T; t++) {
        dots[t] = _mm512_set1_epi32(-I::kCentre * x[t].sums[b]);
    }
    for (int k = 0; k < 8; k++) {
        __m512i w = _mm512_load_si512(block + k * kRows * 4);
        for (int t = 0; t < T; t++) {
            __m512i four = _mm512_set1_epi32(four_bytes(x[t].q + b * kBlock + k * 4));
            dots[t] = _mm512_dpbusd_epi32(dots[t], w, four);
        }
    }
    __m512 row_scales = _mm512_load_ps(scales + b * kRows);
    for (int t = 0; t < T; t++) {
        __m512 scale = _mm512_mul_ps(row_scales, _mm512_set1_ps(x[t].scales[b]));
        sums[t][lane] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t]), scale, sums[t][lane]);
    }
}

template <class I, int T>
void tile(
        const uint8_t* bytes,
        const float* scales,
        int blocks,
        const QuantizedRow* x,
        float* const* out,
        int r) {
    __m512 sums[T][4];
    for (int t = 0; t < T; t++) {
        for (int lane = 0; lane < 4; lane++) {
            sums[t][lane] = _mm512_setzero_ps();
        }
    }
    int b = 0;
    for (; b + 4 <= blocks; b += 4) {
        add_block<I, T>(bytes, scales, x, b, sums, 0);
        add_block<I, T>(bytes, scales, x, b + 1, sums, 1);
        add_block<I, T>(bytes, scales, x, b + 2, sums, 2);
        add_block<I, T>(bytes, scales, x, b + 3, sums, 3);
    }
    if (b < blocks) {
        add_block<I, T>(bytes, scales, x, b, sums, 0);
    }
    if (b + 1 < blocks) {
        add_block<I, T>(bytes, scales, x, b + 1, sums, 1);
    }
    if (b + 2 < blocks) {
        add_block<I, T>(bytes, scales, x, b + 2, sums, 2);
    }
    for (int t = 0; t < T; t++) {
        __m512 even = _mm512_add_ps(sums[t][0], sums[t][2]);
        __m512 odd = _mm512_add_ps(sums[t][1], sums[t][3]);
        _mm512_storeu_ps(out[t] + r, _mm512_add_ps(even, odd));
    }
}

template <class I>
void matmul(const Int8Call& call) {
    int r = call.row_begin;
    if (call.n >= kPanelTokens) {
        int blocks = call.cols / kBlock;
        uint8_t* bytes = call.scratch;
        float* scales = reinterpret_cast<float*>(bytes + size_t(blocks) * kBlockBytes);
        for (; r + kRows <= call.row_end; r += kRows) {
            fill_panel<I>(
                    call.weights + size_t(r) * call.row_bytes,
                    call.row_bytes,
                    blocks,
                    bytes,
                    scales);
            int t = 0;
            for (; t + kTokens <= call.n; t += kTokens) {
                tile<I, kTokens>(bytes, scales, blocks, call.x + t, call.out + t, r);
            }
            for (; t < call.n; t++) {
                tile<I, 1>(bytes, scales, blocks, call.x + t, call.out + t, r);
            }
        }
    }
    rows<I>(call, r, call.row_end);
}

constexpr Int8Table kTable = {matmul<Q8_0>, matmul<Q4_0>};

}  // namespace

const Int8Table* avx512_vnni_int8_kernels() { return &kTable; }

}  // namespace greenroom
