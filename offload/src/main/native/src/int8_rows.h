// Products in integers, one (row, token) pair at a time, over a block format I:
//
//   I::kBytes                          bytes of a block
//   I::dot(block, x)                   eight int32 that add up to the block's dot, before correction
//   I::kCentre                         what to subtract per unit of the sum of x's block
//
// Included by the int8 files of each instruction set inside an anonymous namespace.

INLINE __m256i load256(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

// The bytes of the two nibbles of 16 bytes: low ones first.
INLINE __m256i nibbles(const uint8_t* from) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    __m256i both = _mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes);
    return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

// The sums of four vectors of eight.
INLINE __m128i sums_of(__m256i a, __m256i b, __m256i c, __m256i d) {
    __m256i four = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
}

// Four halves that lie `stride` bytes apart.
INLINE __m128 four_halves(const uint8_t* first, size_t stride) {
    uint64_t packed = uint64_t(load_u16(first)) | uint64_t(load_u16(first + stride)) << 16 |
            uint64_t(load_u16(first + 2 * stride)) << 32 |
            uint64_t(load_u16(first + 3 * stride)) << 48;
    return _mm_cvtph_ps(_mm_cvtsi64_si128(static_cast<long long>(packed)));
}

template <class I>
INLINE float dot_row(const uint8_t* row, const QuantizedRow& x, int blocks) {
    __m128 lanes = _mm_setzero_ps();
    __m128i centre = _mm_set1_epi32(I::kCentre);
    int b = 0;
    for (; b + 4 <= blocks; b += 4) {
        const uint8_t* block = row + size_t(b) * I::kBytes;
        for (int i = 0; i < 4 * I::kBytes; i += 64) {
            _mm_prefetch(reinterpret_cast<const char*>(block + 8192 + i), _MM_HINT_T0);
        }
        const int8_t* q = x.q + b * kBlock;
        __m128i dots = sums_of(
                I::dot(block, q),
                I::dot(block + I::kBytes, q + kBlock),
                I::dot(block + 2 * I::kBytes, q + 2 * kBlock),
                I::dot(block + 3 * I::kBytes, q + 3 * kBlock));
        __m128i sums = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x.sums + b));
        dots = _mm_sub_epi32(dots, _mm_mullo_epi32(centre, sums));
        __m128 scales = _mm_mul_ps(four_halves(block, I::kBytes), _mm_loadu_ps(x.scales + b));
        lanes = _mm_fmadd_ps(_mm_cvtepi32_ps(dots), scales, lanes);
    }
    if (b < blocks) {
        // Up to three blocks more, in the lanes they would have had.
        alignas(16) float rest[4];
        _mm_store_ps(rest, lanes);
        for (int j = 0; b + j < blocks; j++) {
            const uint8_t* block = row + size_t(b + j) * I::kBytes;
            __m256i zero = _mm256_setzero_si256();
            __m128i sum = sums_of(I::dot(block, x.q + (b + j) * kBlock), zero, zero, zero);
            int32_t dot = _mm_cvtsi128_si32(sum) - I::kCentre * x.sums[b + j];
            float scale = _cvtsh_ss(load_u16(block)) * x.scales[b + j];
            rest[j] = __builtin_fmaf(float(dot), scale, rest[j]);
        }
        lanes = _mm_load_ps(rest);
    }
    __m128 two = _mm_add_ps(lanes, _mm_movehl_ps(lanes, lanes));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

template <class I>
void rows(const Int8Call& call, int begin, int end) {
    for (int r = begin; r < end; r++) {
        const uint8_t* row = call.weights + size_t(r) * call.row_bytes;
        for (int t = 0; t < call.n; t++) {
            call.out[t][r] = dot_row<I>(row, call.x[t], call.cols / kBlock);
        }
    }
}
