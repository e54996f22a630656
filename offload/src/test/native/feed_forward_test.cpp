#include "fixtures.h"

using namespace testing;

namespace {

struct Expert {
    Expert(int32_t type, int32_t down_type, int hidden, int inner, Random& random)
            : gate(type, inner, hidden, random),
              up(type, inner, hidden, random),
              down(down_type, hidden, inner, random) {}

    gr_status run(gr_context* kernels, const float* x, const int32_t* rows,
                  const int32_t* out_rows, int n, float* out) const {
        return gr_feed_forward(
                kernels, &gate.matrix, &up.matrix, &down.matrix, x, rows, out_rows, n, out);
    }

    Weights gate;
    Weights up;
    Weights down;
};

}  // namespace

TEST(feed_forward, agrees_with_doubles) {
    Random random(30);
    int hidden = 256;
    int inner = 512;
    for (int32_t isa : isas()) {
        Context kernels = context(2, isa);
        for (int32_t type : kWeightTypes) {
            Expert expert(type, GR_Q6_K, hidden, inner, random);
            Floats x(5 * size_t(hidden));
            Floats out(5 * size_t(hidden));
            randomise(x, random);
            fill_nan(out);
            int32_t rows[] = {4, 1, 1};
            int32_t out_rows[] = {0, 3, 2};
            CHECK(expert.run(kernels.get(), x.data(), rows, out_rows, 3, out.data()) == GR_OK,
                  "run");
            for (size_t i = 0; i < 3; i++) {
                const float* input = x.data() + size_t(rows[i]) * size_t(hidden);
                std::vector<double> inner_value(static_cast<size_t>(inner));
                std::vector<double> inner_error(static_cast<size_t>(inner));
                for (int r = 0; r < inner; r++) {
                    Dot g = dot(expert.gate.row(r).data(), input, hidden);
                    Dot u = dot(expert.up.row(r).data(), input, hidden);
                    double silu = g.value / (1 + std::exp(-g.value));
                    // The slope of silu is at most 1.1.
                    inner_value[size_t(r)] = silu * u.value;
                    inner_error[size_t(r)] = 1.1 * dot_bound(hidden) * g.magnitude *
                                    (std::fabs(u.value) + dot_bound(hidden) * u.magnitude) +
                            std::fabs(silu) * dot_bound(hidden) * u.magnitude +
                            8 * kUnit * std::fabs(silu * u.value);
                }
                for (int h = 0; h < hidden; h++) {
                    std::vector<float> down = expert.down.row(h);
                    double expected = 0;
                    double bound = 1e-30;
                    for (size_t r = 0; r < size_t(inner); r++) {
                        double w = double(down[r]);
                        expected += w * inner_value[r];
                        bound += std::fabs(w) * inner_error[r] +
                                dot_bound(inner) * std::fabs(w * inner_value[r]);
                    }
                    double actual =
                            double(out[size_t(out_rows[i]) * size_t(hidden) + size_t(h)]);
                    CHECK(std::fabs(actual - expected) <= bound,
                          text(isa, "feed forward", actual, expected));
                }
            }
            for (size_t row : {1u, 4u}) {
                CHECK(std::isnan(out[row * size_t(hidden)]), "other rows stay as they were");
            }
        }
    }
}

TEST(feed_forward, a_row_does_not_depend_on_its_company_or_threads) {
    Random random(31);
    int hidden = 256;
    int inner = 1280;
    check_shared(int64_t(hidden) * inner);
    for (int32_t isa : isas()) {
        for (int32_t type : {GR_Q8_0, GR_Q4_K, GR_BF16}) {
            Expert expert(type, type, hidden, inner, random);
            Floats x(17 * size_t(hidden));
            randomise(x, random);
            std::vector<float> single(x.size());
            Context alone = context(1, isa);
            for (int32_t t = 0; t < 17; t++) {
                expert.run(alone.get(), x.data(), &t, &t, 1, single.data());
            }
            for (int threads = 1; threads <= 4; threads++) {
                Context kernels = context(threads, isa);
                for (int n : {1, 2, 3, 5, 8, 13, 17}) {
                    std::vector<int32_t> rows;
                    std::vector<int32_t> out_rows;
                    for (int t = 0; t < n; t++) {
                        rows.push_back(16 - t);
                        out_rows.push_back(t);
                    }
                    Floats out(size_t(n) * size_t(hidden));
                    fill_nan(out);
                    expert.run(kernels.get(), x.data(), rows.data(), out_rows.data(), n,
                               out.data());
                    for (size_t t = 0; t < size_t(n); t++) {
                        CHECK(same_bits(out.data() + t * size_t(hidden),
                                        single.data() + (16 - t) * size_t(hidden),
                                        size_t(hidden)),
                              text(isa, "type, n", type, n));
                    }
                }
            }
        }
    }
}

// silu alone: identity matrices and an upward 1.
TEST(feed_forward, silu_holds_over_the_whole_range) {
    const size_t count = 101;
    for (int32_t isa : isas()) {
        Context kernels = context(1, isa);
        Floats gate(count);
        Floats up(count);
        Floats down(count);
        Floats out(1);
        float one = 1;
        int32_t zero = 0;
        for (size_t i = 0; i < count; i++) {
            gate[i] = 0;
            up[i] = 1;
        }
        gr_matrix gates = {gate.data(), GR_F32, int32_t(count), 1};
        gr_matrix ups = {up.data(), GR_F32, int32_t(count), 1};
        gr_matrix downs = {down.data(), GR_F32, 1, int32_t(count)};
        const float values[] = {0.0f,   -0.0f,  1e-30f, -1e-30f, 1e-8f, 0.5f,  -0.5f, 1.0f,
                                -1.0f,  10.0f,  -10.0f, 17.3f,   -17.3f, 60.0f, -60.0f, 87.0f,
                                -87.0f, 88.5f,  -88.5f, 89.0f,   -89.0f, 1e4f,  -1e4f, 3e38f,
                                -3e38f, 0.693f, -0.693f};
        for (float value : values) {
            for (int place : {0, 15, 64, 96, 100}) {
                down.fill(0);
                down[size_t(place)] = 1;
                gate[size_t(place)] = value;
                gr_feed_forward(kernels.get(), &gates, &ups, &downs, &one, &zero, &zero, 1,
                                out.data());
                gate[size_t(place)] = 0;
                double expected = double(value) / (1 + std::exp(-double(value)));
                // Where exp(-x) leaves float32's range the result is below 1e-36: zero will do.
                CHECK(std::fabs(double(out[0]) - expected) <=
                              6 * kUnit * std::fabs(expected) + 1e-36,
                      text(isa, "silu", double(value), double(out[0])));
            }
        }
    }
}
