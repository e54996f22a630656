// Kernels for AVX2, FMA and F16C: Intel since Haswell, AMD since Zen. Compiled with the flags of that
// instruction set and entered only after cpuid said yes.

#include <immintrin.h>

#include "dequantize.h"
#include "kernel_table.h"

#define INLINE __attribute__((always_inline)) inline

namespace greenroom {
namespace {

// 16 registers: a tile of 2 rows and 3 tokens holds 12 sums.
struct V {
    using Reg = __m256;
    static constexpr const char* kName = "avx2";
    static constexpr int kWidth = 8;
    static constexpr int kRegs = 4;
    static constexpr int kTokens = 3;
    static constexpr int kFused = 2;
    static constexpr int kSums = 8;

    INLINE static Reg zero() { return _mm256_setzero_ps(); }
    INLINE static Reg broadcast(float x) { return _mm256_set1_ps(x); }
    INLINE static Reg load(const float* from) { return _mm256_loadu_ps(from); }
    INLINE static void store(float* to, Reg x) { _mm256_storeu_ps(to, x); }
    INLINE static Reg add(Reg a, Reg b) { return _mm256_add_ps(a, b); }
    INLINE static Reg sub(Reg a, Reg b) { return _mm256_sub_ps(a, b); }
    INLINE static Reg mul(Reg a, Reg b) { return _mm256_mul_ps(a, b); }
    INLINE static Reg div(Reg a, Reg b) { return _mm256_div_ps(a, b); }
    INLINE static Reg min(Reg a, Reg b) { return _mm256_min_ps(a, b); }
    INLINE static Reg max(Reg a, Reg b) { return _mm256_max_ps(a, b); }
    INLINE static Reg fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }

    INLINE static Reg round(Reg x) {
        return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }

    // In two steps, because 2^n itself may be out of range.
    INLINE static Reg exp2_scale(Reg x, Reg n) {
        __m256i whole = _mm256_cvtps_epi32(n);
        __m256i first = _mm256_srai_epi32(whole, 1);
        __m256i second = _mm256_sub_epi32(whole, first);
        return mul(mul(x, power(first)), power(second));
    }

    INLINE static Reg power(__m256i n) {
        return _mm256_castsi256_ps(
                _mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
    }

    // Halves added to halves, down to one lane.
    INLINE static float sum(Reg x) {
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
        __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }

    INLINE static float half(uint16_t bits) { return _cvtsh_ss(bits); }

    INLINE static Reg load_halves(const uint8_t* from) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    }

    INLINE static Reg load_bfloats(const uint8_t* from) {
        __m256i wide =
                _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
        return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
    }

    // 16 signed bytes as floats.
    INLINE static void signed16(__m128i bytes, Reg* out) {
        out[0] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
        out[1] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)));
    }

    struct Nibbles {
        Reg scale;
        Reg offset;
        __m128i centre;

        // d (q - 8)
        INLINE static Nibbles centred(float d) {
            return {broadcast(d), zero(), _mm_set1_epi8(8)};
        }

        // d q - m
        INLINE static Nibbles affine(float d, float m) {
            return {broadcast(d), broadcast(m), _mm_setzero_si128()};
        }

        INLINE void low(__m128i bytes, Reg* out) const {
            map(_mm_and_si128(bytes, _mm_set1_epi8(15)), out);
        }

        INLINE void high(__m128i bytes, Reg* out) const {
            map(_mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15)), out);
        }

    private:
        INLINE void map(__m128i nibbles, Reg* out) const {
            signed16(_mm_sub_epi8(nibbles, centre), out);
            for (int j = 0; j < kRegs / 2; j++) {
                out[j] = sub(mul(scale, out[j]), offset);
            }
        }
    };
};

#include "simd_kernels.h"

}  // namespace

const KernelTable* avx2_kernels() { return &kTable; }

}  // namespace greenroom
