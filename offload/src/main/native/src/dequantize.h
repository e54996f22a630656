// Scalar dequantisation: the definition of every weight format.
//
// A row is decoded in groups of 32 elements (or fewer at the end of an unquantised row), because 32
// divides every block. Each product and difference is rounded to float32 on its own, as ggml and
// gguf-py do, so all instruction sets agree bit for bit on the value of a weight.
#ifndef GREENROOM_DEQUANTIZE_H
#define GREENROOM_DEQUANTIZE_H

#include "half.h"
#include "types.h"

namespace greenroom {

constexpr int kGroup = 32;

// Scale and minimum j of the eight pairs of 6-bit numbers that Q4_K and Q5_K pack into 12 bytes:
// four pairs in the low bits of bytes 0-7, the rest in bytes 8-11 and the high bits of 0-7.
static inline void unpack_scale_min(const uint8_t* packed, int j, int* scale, int* min) {
    if (j < 4) {
        *scale = packed[j] & 63;
        *min = packed[j + 4] & 63;
    } else {
        *scale = (packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4);
        *min = (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4);
    }
}

// Decodes `count` elements (at most 32) of group `group` of a row.
static inline void dequantize_group(
        int type, const uint8_t* row, int group, int count, float* out) {
    switch (type) {
        case kF32:
            std::memcpy(out, row + size_t(group) * kGroup * 4, size_t(count) * 4);
            return;
        case kF16:
            for (int i = 0; i < count; i++) {
                out[i] = load_half(row + (size_t(group) * kGroup + size_t(i)) * 2);
            }
            return;
        case kBF16:
            for (int i = 0; i < count; i++) {
                out[i] = bfloat_to_float(load_u16(row + (size_t(group) * kGroup + size_t(i)) * 2));
            }
            return;
        case kQ8_0: {
            const uint8_t* block = row + size_t(group) * 34;
            float d = load_half(block);
            for (int i = 0; i < 32; i++) {
                out[i] = d * float(int8_t(block[2 + i]));
            }
            return;
        }
        case kQ4_0: {
            const uint8_t* block = row + size_t(group) * 18;
            float d = load_half(block);
            for (int i = 0; i < 16; i++) {
                out[i] = d * float((block[2 + i] & 15) - 8);
                out[i + 16] = d * float((block[2 + i] >> 4) - 8);
            }
            return;
        }
        case kQ4_K: {
            const uint8_t* block = row + size_t(group / 8) * 144;
            int j = group % 8;
            int scale;
            int min;
            unpack_scale_min(block + 4, j, &scale, &min);
            float d = load_half(block) * float(scale);
            float m = load_half(block + 2) * float(min);
            const uint8_t* q = block + 16 + 32 * (j / 2);
            int shift = 4 * (j % 2);
            for (int i = 0; i < 32; i++) {
                out[i] = d * float((q[i] >> shift) & 15) - m;
            }
            return;
        }
        case kQ5_K: {
            const uint8_t* block = row + size_t(group / 8) * 176;
            int j = group % 8;
            int scale;
            int min;
            unpack_scale_min(block + 4, j, &scale, &min);
            float d = load_half(block) * float(scale);
            float m = load_half(block + 2) * float(min);
            const uint8_t* high = block + 16;
            const uint8_t* q = block + 48 + 32 * (j / 2);
            int shift = 4 * (j % 2);
            for (int i = 0; i < 32; i++) {
                int value = ((q[i] >> shift) & 15) | (((high[i] >> j) & 1) << 4);
                out[i] = d * float(value) - m;
            }
            return;
        }
        case kQ6_K: {
            const uint8_t* block = row + size_t(group / 8) * 210;
            int half = (group % 8) / 4;  // of the 256 elements
            int quarter = group % 4;     // of that half
            const uint8_t* low = block + 64 * half + 32 * (quarter % 2);
            const uint8_t* high = block + 128 + 32 * half;
            const uint8_t* scales = block + 192 + 8 * half + 2 * quarter;
            float d = load_half(block + 208);
            for (int i = 0; i < 32; i++) {
                int value = ((low[i] >> (4 * (quarter / 2))) & 15) |
                        (((high[i] >> (2 * quarter)) & 3) << 4);
                out[i] = (d * float(int8_t(scales[i / 16]))) * float(value - 32);
            }
            return;
        }
        case kQ2_G32: {
            const uint8_t* block = row + size_t(group) * 10;
            float d = load_half(block);
            for (int i = 0; i < 32; i++) {
                int q = (block[2 + i % 8] >> (2 * (i / 8))) & 3;
                out[i] = d * float(2 * q - 3);
            }
            return;
        }
        default:
            return;
    }
}

static inline void dequantize_row(int type, const uint8_t* row, int cols, float* out) {
    for (int group = 0; group * kGroup < cols; group++) {
        int count = cols - group * kGroup < kGroup ? cols - group * kGroup : kGroup;
        dequantize_group(type, row, group, count, out + size_t(group) * kGroup);
    }
}

}  // namespace greenroom

#endif
