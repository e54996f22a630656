#include "fixtures.h"
#include "int8.h"

using namespace testing;

namespace {

// A row as the integer kernels see it: every value q * scale.
struct Rounded {
    Rounded(const float* x, int cols) : values(static_cast<size_t>(cols)) {
        size_t bytes = greenroom::quantized_bytes(cols);
        uint8_t* memory = static_cast<uint8_t*>(std::aligned_alloc(64, bytes));
        greenroom::quantize_row(x, cols, memory);
        greenroom::QuantizedRow row = greenroom::quantized_row(memory, cols);
        for (int i = 0; i < cols; i++) {
            values[size_t(i)] = double(row.q[i]) * double(row.scales[i / 32]);
            scales.push_back(row.scales[i / 32]);
            sums_agree = sums_agree && (i % 32 != 0 || row.sums[i / 32] == sum_of(row.q + i));
        }
        std::free(memory);
    }

    static int32_t sum_of(const int8_t* q) {
        int32_t sum = 0;
        for (int i = 0; i < 32; i++) {
            sum += q[i];
        }
        return sum;
    }

    std::vector<double> values;
    std::vector<float> scales;  // per value
    bool sums_agree = true;
};

}  // namespace

TEST(int8, rounds_to_the_nearest_of_255_steps) {
    Random random(60);
    Floats x(32 * 40);
    for (size_t i = 0; i < x.size(); i++) {
        x[i] = std::ldexp(random.real(), int(i / 32) * 6 - 150);
    }
    Rounded rounded(x.data(), int(x.size()));
    CHECK(rounded.sums_agree, "sums");
    for (size_t i = 0; i < x.size(); i++) {
        double step = double(rounded.scales[i]);
        // Half a step, and a little for the rounding of scale and quotient; the tiny become zero.
        CHECK(std::fabs(rounded.values[i] - double(x[i])) <= 0.5001 * step + 0x1p-120,
              std::to_string(i));
    }
}

TEST(int8, zeros_stay_and_what_is_not_finite_shows) {
    Floats x(32);
    x.fill(0);
    Rounded zeros(x.data(), 32);
    CHECK(zeros.values[3] == 0 && zeros.scales[3] == 0, "zeros");
    for (float bad : {INFINITY, -INFINITY, float(NAN)}) {
        x[7] = bad;
        CHECK(std::isnan(Rounded(x.data(), 32).scales[0]), std::to_string(bad));
    }
}

TEST(int8, every_length_agrees_with_doubles_on_the_rounded_values) {
    Random random(61);
    for (int32_t isa : isas()) {
        Context kernels = context(1, isa, GR_INT8);
        for (int32_t type : {GR_Q8_0, GR_Q4_0}) {
            for (int blocks = 1; blocks <= 13; blocks++) {
                for (int n : {1, 2, 3, 4, 9}) {
                    int cols = blocks * 32;
                    int rows = 1 + random.below(36);
                    Weights weights(type, rows, cols, random);
                    Floats x(size_t(n * cols));
                    Floats out(size_t(n * rows));
                    randomise(x, random);
                    fill_nan(out);
                    CHECK(gr_matmul(kernels.get(), &weights.matrix, x.data(), n, nullptr,
                                    out.data()) == GR_OK,
                          "matmul");
                    for (int t = 0; t < n; t++) {
                        Rounded rounded(x.data() + t * cols, cols);
                        for (int r = 0; r < rows; r++) {
                            std::vector<float> w = weights.row(r);
                            double expected = 0;
                            double magnitude = 0;
                            for (size_t i = 0; i < size_t(cols); i++) {
                                double part = double(w[i]) * rounded.values[i];
                                expected += part;
                                magnitude += std::fabs(part);
                            }
                            double actual = double(out[size_t(t * rows + r)]);
                            // Per lane blocks / 4 additions; two roundings of a term; the fold.
                            CHECK(std::fabs(actual - expected) <=
                                          (blocks / 4 + 6) * kUnit * magnitude + 1e-38,
                                  text(isa, "type, cols", type, cols) + ": " +
                                          std::to_string(actual) + " for " +
                                          std::to_string(expected));
                        }
                    }
                }
            }
        }
    }
}

// The largest numbers there are: 16-bit sums in between must not saturate.
TEST(int8, extremes_do_not_saturate) {
    for (int32_t isa : isas()) {
        Context kernels = context(1, isa, GR_INT8);
        for (int byte : {-128, 127}) {
            Guarded<uint8_t> w(34 * 17);
            for (size_t r = 0; r < 17; r++) {
                w[r * 34] = 0;
                w[r * 34 + 1] = 0x3C;  // 1.0
                for (size_t i = 0; i < 32; i++) {
                    w[r * 34 + 2 + i] = static_cast<uint8_t>(byte);
                }
            }
            gr_matrix matrix = {w.data(), GR_Q8_0, 17, 32};
            for (float value : {127.0f, -127.0f}) {
                for (int n : {1, 8}) {
                    Floats x(size_t(n) * 32);
                    Floats out(size_t(n) * 17);
                    x.fill(value);
                    gr_matmul(kernels.get(), &matrix, x.data(), n, nullptr, out.data());
                    for (size_t i = 0; i < out.size(); i++) {
                        CHECK(out[i] == 32 * value * float(byte),
                              text(isa, "extreme", byte, double(out[i])));
                    }
                }
            }
        }
    }
}

TEST(int8, a_row_does_not_depend_on_its_company_or_threads) {
    Random random(62);
    int cols = 32 * 27;
    int rows = 331;
    check_shared(int64_t(rows) * cols);
    for (int32_t isa : isas()) {
        Context alone = context(1, isa, GR_INT8);
        for (int32_t type : {GR_Q8_0, GR_Q4_0}) {
            Weights weights(type, rows, cols, random);
            Floats x(17 * size_t(cols));
            randomise(x, random);
            std::vector<float> single(17 * size_t(rows));
            for (size_t t = 0; t < 17; t++) {
                gr_matmul(alone.get(), &weights.matrix, x.data() + t * size_t(cols), 1, nullptr,
                          single.data() + t * size_t(rows));
            }
            for (int threads = 1; threads <= 4; threads++) {
                Context kernels = context(threads, isa, GR_INT8);
                for (int n = 1; n <= 17; n++) {
                    size_t first = size_t(17 - n);
                    Floats out(size_t(n) * size_t(rows));
                    fill_nan(out);
                    gr_matmul(kernels.get(), &weights.matrix, x.data() + first * size_t(cols), n,
                              nullptr, out.data());
                    CHECK(same_bits(out.data(), single.data() + first * size_t(rows), out.size()),
                          text(isa, "type, n", type, n) + ", threads " + std::to_string(threads));
                }
            }
        }
    }
}

// Mixed types in one block, and a feed-forward block close to the exact one.
TEST(int8, feed_forward_stays_near_the_exact_mode) {
    Random random(63);
    int hidden = 256;
    int inner = 512;
    for (int32_t isa : isas()) {
        Weights gate(GR_Q4_0, inner, hidden, random);
        Weights up(GR_Q6_K, inner, hidden, random);
        Weights down(GR_Q8_0, hidden, inner, random);
        Floats x(9 * size_t(hidden));
        randomise(x, random);
        int32_t rows[] = {8, 7, 6, 5, 4, 3, 2, 1, 0};
        std::vector<float> exact;
        for (int32_t precision : {GR_FLOAT32, GR_INT8}) {
            Context kernels = context(2, isa, precision);
            Floats out(x.size());
            fill_nan(out);
            CHECK(gr_feed_forward(kernels.get(), &gate.matrix, &up.matrix, &down.matrix, x.data(),
                                  rows, rows, 9, out.data()) == GR_OK,
                  "run");
            if (precision == GR_FLOAT32) {
                exact.assign(out.data(), out.data() + out.size());
                continue;
            }
            double difference = 0;
            double size = 0;
            for (size_t i = 0; i < out.size(); i++) {
                difference += std::pow(double(out[i]) - double(exact[i]), 2);
                size += std::pow(double(exact[i]), 2);
            }
            // Two roundings to 8 bits: errors of about 0.3 % of a block's values each.
            double relative = std::sqrt(difference / size);
            CHECK(relative > 0 && relative < 0.02, text(isa, "relative error", relative, 0));
        }
    }
}
