// Conversions between float32 and the 16-bit formats, in integer arithmetic: the definition that
// hardware conversions must match bit for bit (quiet NaNs keep their upper payload bits).
#ifndef GREENROOM_HALF_H
#define GREENROOM_HALF_H

#include <cstdint>
#include <cstring>

namespace greenroom {

static inline float bits_to_float(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t float_to_bits(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. Exact.
static inline float half_to_float(uint16_t half) {
    uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1Fu;
    uint32_t fraction = half & 0x3FFu;
    if (exponent == 0) {
        // Zero or subnormal: fraction * 2^-24, exact in float32.
        float magnitude = static_cast<float>(fraction) * 0x1p-24f;
        return bits_to_float(sign | float_to_bits(magnitude));
    }
    if (exponent == 31) {
        uint32_t quiet = fraction != 0 ? 0x400000u : 0u;
        return bits_to_float(sign | 0x7F800000u | quiet | (fraction << 13));
    }
    return bits_to_float(sign | ((exponent + 112u) << 23) | (fraction << 13));
}

// Rounds to nearest, ties to even; too large becomes infinity.
static inline uint16_t float_to_half(float value) {
    uint32_t bits = float_to_bits(value);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return static_cast<uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x3FFu));
    }
    if (magnitude >= 0x477FF000u) {  // 65520 and above round to infinity
        return static_cast<uint16_t>(sign | 0x7C00u);
    }
    if (magnitude < 0x38800000u) {
        // Subnormal result: adding 0.5 lets the float adder round at bit 2^-24, ties to even.
        float rounded = bits_to_float(magnitude) + 0.5f;
        return static_cast<uint16_t>(sign | (float_to_bits(rounded) - 0x3F000000u));
    }
    uint32_t odd = (magnitude >> 13) & 1u;
    uint32_t rounded = magnitude - 0x38000000u + 0xFFFu + odd;
    return static_cast<uint16_t>(sign | (rounded >> 13));
}

// bfloat16 is the upper half of a float32. Exact.
static inline float bfloat_to_float(uint16_t bfloat) {
    return bits_to_float(static_cast<uint32_t>(bfloat) << 16);
}

// Weights have no alignment.
static inline uint16_t load_u16(const uint8_t* from) {
    uint16_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

static inline float load_half(const uint8_t* from) { return half_to_float(load_u16(from)); }

}  // namespace greenroom

#endif
