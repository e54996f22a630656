#include "fixtures.h"

using namespace testing;

TEST(norm, every_length_agrees_with_doubles) {
    Random random(20);
    for (int32_t isa : isas()) {
        Context kernels = context(1, isa);
        for (int cols = 1; cols <= 3 * 32 + 1; cols++) {
            Floats x(size_t(cols) * 2);
            Floats weight{size_t(cols)};
            Floats out(size_t(cols) * 2);
            randomise(x, random);
            randomise(weight, random);
            fill_nan(out);
            CHECK(gr_rms_norm(kernels.get(), x.data(), 2, cols, weight.data(), 1e-6f,
                              out.data()) == GR_OK,
                  "norm");
            for (size_t t = 0; t < 2; t++) {
                const float* row = x.data() + t * size_t(cols);
                double mean = dot(row, row, cols).value / cols;
                for (size_t i = 0; i < size_t(cols); i++) {
                    double expected =
                            double(row[i]) / std::sqrt(mean + double(1e-6f)) * double(weight[i]);
                    double actual = double(out[t * size_t(cols) + i]);
                    CHECK(std::fabs(actual - expected) <=
                                  (dot_bound(cols) + 4 * kUnit) * std::fabs(expected) + 1e-38,
                          text(isa, "norm", actual, expected));
                }
            }
        }
    }
}

TEST(norm, in_place_in_company_and_threads_change_nothing) {
    Random random(21);
    int cols = 9001;
    check_shared(int64_t(cols) * 2 * 17);
    for (int32_t isa : isas()) {
        Floats x(17 * size_t(cols));
        Floats weight{size_t(cols)};
        randomise(x, random);
        randomise(weight, random);
        std::vector<float> single(x.size());
        Context alone = context(1, isa);
        for (size_t t = 0; t < 17; t++) {
            gr_rms_norm(alone.get(), x.data() + t * size_t(cols), 1, cols, weight.data(), 1e-5f,
                        single.data() + t * size_t(cols));
        }
        for (int threads = 1; threads <= 4; threads++) {
            Context kernels = context(threads, isa);
            Floats copy(x.size());
            std::memcpy(copy.data(), x.data(), x.size() * 4);
            CHECK(gr_rms_norm(kernels.get(), copy.data(), 17, cols, weight.data(), 1e-5f,
                              copy.data()) == GR_OK,
                  "norm");
            CHECK(same_bits(copy.data(), single.data(), single.size()),
                  text(isa, "threads", threads, 0));
        }
    }
}
