// Products in integers for AVX2: pairs of bytes are multiplied and added to 16 bits, which must not
// saturate, then pairs of those to 32.

#include <immintrin.h>

#include "half.h"
#include "int8.h"

#define INLINE __attribute__((always_inline)) inline

namespace greenroom {
namespace {

#include "int8_rows.h"

INLINE __m256i multiply(__m256i without_sign, __m256i with_sign) {
    __m256i pairs = _mm256_maddubs_epi16(without_sign, with_sign);
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

struct Q8_0 {
    static constexpr int kBytes = 34;
    static constexpr int kCentre = 0;

    // |w| times x with w's sign: at most 2 * 128 * 127, below 2^15.
    INLINE static __m256i dot(const uint8_t* block, const int8_t* x) {
        __m256i w = load256(block + 2);
        return multiply(_mm256_abs_epi8(w), _mm256_sign_epi8(load256(x), w));
    }
};

struct Q4_0 {
    static constexpr int kBytes = 18;
    static constexpr int kCentre = 8;

    INLINE static __m256i dot(const uint8_t* block, const int8_t* x) {
        return multiply(nibbles(block + 2), load256(x));
    }
};

template <class I>
void matmul(const Int8Call& call) {
    rows<I>(call, call.row_begin, call.row_end);
}

constexpr Int8Table kTable = {matmul<Q8_0>, matmul<Q4_0>};

}  // namespace

const Int8Table* avx2_int8_kernels() { return &kTable; }

}  // namespace greenroom
