// ggml's block layouts: how many elements of a row a block holds, in how many bytes.
#ifndef GREENROOM_TYPES_H
#define GREENROOM_TYPES_H

#include <cstddef>
#include <cstdint>

#include "greenroom.h"

namespace greenroom {

// Index of a type in kernel tables; ggml's own numbers have gaps.
enum TypeIndex { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_K, kQ5_K, kQ6_K, kQ2_G32, kTypes };

struct BlockShape {
    int elements;
    int bytes;
};

//  Q8_0   half d; int8 q[32]                                  w = d q
//  Q4_0   half d; nibbles q[32]: low halves first             w = d (q - 8)
//  Q4_K   half d, dmin; 6-bit sc[8], m[8] in 12 bytes;
//         nibbles q[256]                                      w = (d sc) q - (dmin m)   per 32
//  Q5_K   as Q4_K, with a fifth bit of each q in qh[32]
//  Q6_K   ql[128] low 4 bits; qh[64] high 2 bits;
//         int8 sc[16]; half d                                 w = (d sc) (q - 32)       per 16
//
// Ours, for copies of experts that are read in a hurry. Four evenly spaced levels round zero lie within
// 1 % of the best error that any four levels reach on normally distributed weights (Max, "Quantizing
// for Minimum Distortion", 1960: 0.1188 against 0.1175 of the variance). Element i is in bits
// 2 (i / 8) and up of byte i mod 8, so that a shift of all eight bytes at once decodes the next eight.
//
//  Q2_G32 half d; 2-bit q[32] in 8 bytes                       w = d (2 q - 3)
constexpr BlockShape kBlockShapes[kTypes] = {
        {1, 4}, {1, 2}, {1, 2}, {32, 34}, {32, 18}, {256, 144}, {256, 176}, {256, 210}, {32, 10}};

// The table index of a ggml type, or -1.
static inline int type_index(int32_t ggml_type) {
    switch (ggml_type) {
        case GR_F32:
            return kF32;
        case GR_F16:
            return kF16;
        case GR_BF16:
            return kBF16;
        case GR_Q8_0:
            return kQ8_0;
        case GR_Q4_0:
            return kQ4_0;
        case GR_Q4_K:
            return kQ4_K;
        case GR_Q5_K:
            return kQ5_K;
        case GR_Q6_K:
            return kQ6_K;
        case GR_Q2_G32:
            return kQ2_G32;
        default:
            return -1;
    }
}

static inline size_t row_bytes(int type, int32_t cols) {
    const BlockShape& shape = kBlockShapes[type];
    return static_cast<size_t>(cols / shape.elements) * static_cast<size_t>(shape.bytes);
}

}  // namespace greenroom

#endif
