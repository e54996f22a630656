#include "fixtures.h"

using namespace testing;

namespace {

// IEEE 754 by its words: sign, exponent and fraction put together in double arithmetic.
double value_of(uint16_t half) {
    int exponent = (half >> 10) & 31;
    int fraction = half & 1023;
    double magnitude = exponent == 0 ? std::ldexp(fraction, -24)
            : exponent == 31
            ? (fraction == 0 ? INFINITY : NAN)
            : std::ldexp(1024 + fraction, exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

}  // namespace

TEST(half, all_65536_convert_exactly_and_back) {
    for (int i = 0; i < 65536; i++) {
        uint16_t half = static_cast<uint16_t>(i);
        float value = greenroom::half_to_float(half);
        double expected = value_of(half);
        bool nan = std::isnan(expected);
        CHECK(nan ? std::isnan(value)
                  : double(value) == expected && std::signbit(value) == std::signbit(expected),
              std::to_string(i));
        uint16_t back = greenroom::float_to_half(value);
        CHECK(nan ? (back & 0x7C00) == 0x7C00 && (back & 0x3FF) != 0 : back == half,
              std::to_string(i));
    }
}

TEST(half, every_isa_decodes_all_halves_alike) {
    Guarded<uint8_t> bytes(65536 * 2);
    for (int i = 0; i < 65536; i++) {
        bytes[size_t(i) * 2] = static_cast<uint8_t>(i);
        bytes[size_t(i) * 2 + 1] = static_cast<uint8_t>(i >> 8);
    }
    for (int32_t type : {GR_F16, GR_BF16}) {
        gr_matrix matrix = {bytes.data(), type, 1, 65536};
        int32_t token = 0;
        for (int32_t isa : isas()) {
            Floats out(65536);
            fill_nan(out);
            Context kernels = context(1, isa);
            CHECK(gr_embed(kernels.get(), &matrix, &token, 1, out.data()) == GR_OK, "embed");
            for (int i = 0; i < 65536; i++) {
                uint16_t bits = static_cast<uint16_t>(i);
                float expected = type == GR_F16 ? greenroom::half_to_float(bits)
                                                : greenroom::bfloat_to_float(bits);
                CHECK(greenroom::float_to_bits(out[size_t(i)]) ==
                              greenroom::float_to_bits(expected),
                      text(isa, "half", i, double(out[size_t(i)])));
            }
        }
    }
}

TEST(half, rounds_to_nearest_even) {
    Random random(1);
    for (int i = 0; i < 200000; i++) {
        // Spread over all exponents of interest.
        float value = std::ldexp(random.real(), random.below(48) - 28);
        double rounded = value_of(greenroom::float_to_half(value));
        uint16_t half = greenroom::float_to_half(value);
        double error = std::fabs(rounded - double(value));
        for (int step : {-1, 1}) {
            uint16_t neighbour = static_cast<uint16_t>(half + step);
            double other = value_of(neighbour);
            if (std::isnan(other) || std::isinf(other) || std::isinf(rounded)) {
                continue;
            }
            double its = std::fabs(other - double(value));
            CHECK(error < its || (error == its && half % 2 == 0), std::to_string(value));
        }
    }
    CHECK(greenroom::float_to_half(65519.996f) == 0x7BFF, "largest finite");
    CHECK(greenroom::float_to_half(65520.0f) == 0x7C00, "overflow");
    CHECK(greenroom::float_to_half(0x1p-25f) == 0, "tie to even zero");
    CHECK(greenroom::float_to_half(0x1.000002p-25f) == 1, "above the tie");
}
