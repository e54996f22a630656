// Kernels for AVX-512 F, BW, VL and DQ: Intel since Skylake-X, AMD since Zen 4. Compiled with the
// flags of that instruction set and entered only after cpuid said yes.

#include <immintrin.h>

#include "dequantize.h"
#include "kernel_table.h"

#define INLINE __attribute__((always_inline)) inline

namespace greenroom {
namespace {

// 32 registers: a tile of 2 rows and 6 tokens holds 24 sums.
struct V {
    using Reg = __m512;
    static constexpr const char* kName = "avx512";
    static constexpr int kWidth = 16;
    static constexpr int kRegs = 2;
    static constexpr int kTokens = 6;
    static constexpr int kFused = 4;
    static constexpr int kSums = 16;

    INLINE static Reg zero() { return _mm512_setzero_ps(); }
    INLINE static Reg broadcast(float x) { return _mm512_set1_ps(x); }
    INLINE static Reg load(const float* from) { return _mm512_loadu_ps(from); }
    INLINE static void store(float* to, Reg x) { _mm512_storeu_ps(to, x); }
    INLINE static Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
    INLINE static Reg sub(Reg a, Reg b) { return _mm512_sub_ps(a, b); }
    INLINE static Reg mul(Reg a, Reg b) { return _mm512_mul_ps(a, b); }
    INLINE static Reg div(Reg a, Reg b) { return _mm512_div_ps(a, b); }
    INLINE static Reg min(Reg a, Reg b) { return _mm512_min_ps(a, b); }
    INLINE static Reg max(Reg a, Reg b) { return _mm512_max_ps(a, b); }
    INLINE static Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }

    INLINE static Reg round(Reg x) {
        return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }

    INLINE static Reg exp2_scale(Reg x, Reg n) { return _mm512_scalef_ps(x, n); }

    // Halves added to halves, down to one lane.
    INLINE static float sum(Reg x) {
        __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }

    INLINE static float half(uint16_t bits) { return _cvtsh_ss(bits); }

    INLINE static Reg load_halves(const uint8_t* from) {
        return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    }

    INLINE static Reg load_bfloats(const uint8_t* from) {
        __m512i wide = _mm512_cvtepu16_epi32(
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
        return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
    }

    // 16 signed bytes as floats.
    INLINE static void signed16(__m128i bytes, Reg* out) {
        out[0] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
    }

    // All 16 results in a register; a permutation looks them up by the low four bits.
    struct Nibbles {
        Reg table;

        INLINE static Reg numbers() {
            return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        }

        // d (q - 8)
        INLINE static Nibbles centred(float d) {
            return {mul(broadcast(d), sub(numbers(), broadcast(8)))};
        }

        // d q - m
        INLINE static Nibbles affine(float d, float m) {
            return {sub(mul(broadcast(d), numbers()), broadcast(m))};
        }

        INLINE void low(__m128i bytes, Reg* out) const {
            out[0] = _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(bytes), table);
        }

        INLINE void high(__m128i bytes, Reg* out) const {
            out[0] = _mm512_permutexvar_ps(
                    _mm512_srli_epi32(_mm512_cvtepu8_epi32(bytes), 4), table);
        }
    };
};

#include "simd_kernels.h"

}  // namespace

const KernelTable* avx512_kernels() { return &kTable; }

}  // namespace greenroom
