// Decoding of weights 32 at a time into vector registers, for the files of one instruction set
// each. Included inside an anonymous namespace after a vector type V is defined (see
// simd_kernels.h); every product and difference is rounded as in dequantize.h, so the values are the
// same bits.

// The scales and minima of one Q4_K or Q5_K block, as floats.
struct KScales {
    alignas(32) float scale[8];
    alignas(32) float min[8];

    // `block` begins with d, dmin and the 12 packed bytes (see unpack_scale_min).
    void load(const uint8_t* block) {
        uint32_t a;
        uint32_t b;
        uint32_t c;
        __builtin_memcpy(&a, block + 4, 4);
        __builtin_memcpy(&b, block + 8, 4);
        __builtin_memcpy(&c, block + 12, 4);
        uint64_t low_scales = a & 0x3F3F3F3Fu;
        uint64_t low_mins = b & 0x3F3F3F3Fu;
        uint64_t high_scales = (c & 0x0F0F0F0Fu) | (((a >> 6) & 0x03030303u) << 4);
        uint64_t high_mins = ((c >> 4) & 0x0F0F0F0Fu) | (((b >> 6) & 0x03030303u) << 4);
        store(low_scales | (high_scales << 32), load_half_fast(block), scale);
        store(low_mins | (high_mins << 32), load_half_fast(block + 2), min);
    }

private:
    static void store(uint64_t bytes, float factor, float* out) {
        __m256 values = _mm256_cvtepi32_ps(
                _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(bytes))));
        _mm256_store_ps(out, _mm256_mul_ps(_mm256_set1_ps(factor), values));
    }
};

INLINE __m128i load128(const uint8_t* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// Reads one row: get(g, out) for g = 0, 1, 2, ... in this order gives elements 32 g to 32 g + 31.
// `row` is set first; K formats keep the scales of the current block.
template <int Type>
struct RowReader;

template <>
struct RowReader<kF32> {
    const uint8_t* row;

    INLINE void get(int group, V::Reg* out) {
        const float* at = reinterpret_cast<const float*>(row + size_t(group) * 128);
        for (int j = 0; j < V::kRegs; j++) {
            out[j] = V::load(at + j * V::kWidth);
        }
    }
};

template <>
struct RowReader<kF16> {
    const uint8_t* row;

    INLINE void get(int group, V::Reg* out) {
        for (int j = 0; j < V::kRegs; j++) {
            out[j] = V::load_halves(row + size_t(group) * 64 + size_t(j) * V::kWidth * 2);
        }
    }
};

template <>
struct RowReader<kBF16> {
    const uint8_t* row;

    INLINE void get(int group, V::Reg* out) {
        for (int j = 0; j < V::kRegs; j++) {
            out[j] = V::load_bfloats(row + size_t(group) * 64 + size_t(j) * V::kWidth * 2);
        }
    }
};

template <>
struct RowReader<kQ8_0> {
    const uint8_t* row;

    INLINE void get(int group, V::Reg* out) {
        const uint8_t* block = row + size_t(group) * 34;
        V::Reg d = V::broadcast(load_half_fast(block));
        V::signed16(load128(block + 2), out);
        V::signed16(load128(block + 18), out + V::kRegs / 2);
        for (int j = 0; j < V::kRegs; j++) {
            out[j] = V::mul(d, out[j]);
        }
    }
};

template <>
struct RowReader<kQ4_0> {
    const uint8_t* row;

    INLINE void get(int group, V::Reg* out) {
        const uint8_t* block = row + size_t(group) * 18;
        V::Nibbles map = V::Nibbles::centred(load_half_fast(block));
        __m128i bytes = load128(block + 2);
        map.low(bytes, out);
        map.high(bytes, out + V::kRegs / 2);
    }
};

template <>
struct RowReader<kQ4_K> {
    const uint8_t* row;
    KScales scales;

    INLINE void get(int group, V::Reg* out) {
        const uint8_t* block = row + size_t(group / 8) * 144;
        int j = group % 8;
        if (j == 0) {
            scales.load(block);
        }
        V::Nibbles map = V::Nibbles::affine(scales.scale[j], scales.min[j]);
        const uint8_t* q = block + 16 + 32 * (j / 2);
        if (j % 2 == 0) {
            map.low(load128(q), out);
            map.low(load128(q + 16), out + V::kRegs / 2);
        } else {
            map.high(load128(q), out);
            map.high(load128(q + 16), out + V::kRegs / 2);
        }
    }
};

template <>
struct RowReader<kQ5_K> {
    const uint8_t* row;
    KScales scales;

    INLINE void get(int group, V::Reg* out) {
        const uint8_t* block = row + size_t(group / 8) * 176;
        int j = group % 8;
        if (j == 0) {
            scales.load(block);
        }
        const uint8_t* q = block + 48 + 32 * (j / 2);
        __m128i shift = _mm_cvtsi32_si128(4 * (j % 2));
        __m128i fifth = _mm_set1_epi8(static_cast<char>(1 << j));
        for (int half = 0; half < 2; half++) {
            __m128i low = _mm_and_si128(
                    _mm_srl_epi16(load128(q + 16 * half), shift), _mm_set1_epi8(15));
            __m128i high = _mm_and_si128(load128(block + 16 + 16 * half), fifth);
            __m128i set = _mm_and_si128(_mm_cmpeq_epi8(high, fifth), _mm_set1_epi8(16));
            V::signed16(_mm_or_si128(low, set), out + half * V::kRegs / 2);
        }
        V::Reg d = V::broadcast(scales.scale[j]);
        V::Reg m = V::broadcast(scales.min[j]);
        for (int i = 0; i < V::kRegs; i++) {
            out[i] = V::sub(V::mul(d, out[i]), m);
        }
    }
};

template <>
struct RowReader<kQ6_K> {
    const uint8_t* row;
    alignas(32) float scales[16];

    INLINE void get(int group, V::Reg* out) {
        const uint8_t* block = row + size_t(group / 8) * 210;
        if (group % 8 == 0) {
            __m256 d = _mm256_set1_ps(load_half_fast(block + 208));
            __m128i packed = load128(block + 192);
            __m256 first = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(packed));
            __m256 second =
                    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(packed, 8)));
            _mm256_store_ps(scales, _mm256_mul_ps(d, first));
            _mm256_store_ps(scales + 8, _mm256_mul_ps(d, second));
        }
        int half = (group % 8) / 4;
        int quarter = group % 4;
        const uint8_t* low = block + 64 * half + 32 * (quarter % 2);
        const uint8_t* high = block + 128 + 32 * half;
        __m128i low_shift = _mm_cvtsi32_si128(4 * (quarter / 2));
        __m128i high_shift = _mm_cvtsi32_si128(2 * quarter);
        for (int i = 0; i < 2; i++) {
            __m128i four = _mm_and_si128(
                    _mm_srl_epi16(load128(low + 16 * i), low_shift), _mm_set1_epi8(15));
            __m128i two = _mm_and_si128(
                    _mm_srl_epi16(load128(high + 16 * i), high_shift), _mm_set1_epi8(3));
            __m128i value = _mm_sub_epi8(
                    _mm_or_si128(four, _mm_slli_epi16(two, 4)), _mm_set1_epi8(32));
            V::Reg* part = out + i * V::kRegs / 2;
            V::signed16(value, part);
            V::Reg d = V::broadcast(scales[8 * half + 2 * quarter + i]);
            for (int j = 0; j < V::kRegs / 2; j++) {
                part[j] = V::mul(d, part[j]);
            }
        }
    }
};

template <>
struct RowReader<kQ2_G32> {
    const uint8_t* row;

    INLINE void get(int group, V::Reg* out) {
        const uint8_t* block = row + size_t(group) * 10;
        __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(block + 2));
        // 16 elements: the lowest two bits of each byte as they are, and shifted by one place.
        __m128i sixteen = _mm_unpacklo_epi64(eight, _mm_srli_epi64(eight, 2));
        V::Reg d = V::broadcast(load_half_fast(block));
        V::signed16(levels(sixteen), out);
        V::signed16(levels(_mm_srli_epi64(sixteen, 4)), out + V::kRegs / 2);
        for (int j = 0; j < V::kRegs; j++) {
            out[j] = V::mul(d, out[j]);
        }
    }

private:
    INLINE static __m128i levels(__m128i bytes) {
        __m128i table = _mm_set1_epi32(0x0301FFFD);  // -3, -1, 1, 3
        return _mm_shuffle_epi8(table, _mm_and_si128(bytes, _mm_set1_epi8(3)));
    }
};
