#include "fixtures.h"

using namespace testing;

TEST(elementwise, add_and_clamp) {
    Random random(50);
    for (int threads : {1, 3}) {
        Context kernels = context(threads, GR_ISA_SCALAR);
        int cols = 80011;
        check_shared(int64_t(cols) * 4);
        Floats x(5 * size_t(cols));
        Floats y(5 * size_t(cols));
        randomise(x, random);
        randomise(y, random);
        std::vector<float> before(x.data(), x.data() + x.size());
        CHECK(gr_add(kernels.get(), x.data(), y.data(), 4, cols) == GR_OK, "add");
        for (size_t i = 0; i < x.size(); i++) {
            float expected = i < 4 * size_t(cols) ? before[i] + y[i] : before[i];
            CHECK(x[i] == expected, "add");
        }
        x[7] = NAN;
        before.assign(x.data(), x.data() + x.size());
        CHECK(gr_clamp(kernels.get(), x.data(), 5, cols, 0.25f) == GR_OK, "clamp");
        for (size_t i = 0; i < x.size(); i++) {
            CHECK(i == 7 ? std::isnan(x[i])
                         : x[i] == std::fmin(std::fmax(before[i], -0.25f), 0.25f),
                  "clamp");
        }
        CHECK(gr_clamp(kernels.get(), x.data(), 1, 1, -1) == GR_BAD_ARGUMENT, "negative limit");
    }
}

TEST(elementwise, rope_rotates_pairs_by_the_angle_of_their_position) {
    Random random(51);
    int head_dim = 6;
    int heads = 3;
    Floats table(40 * size_t(head_dim));
    std::vector<double> angles;
    for (int p = 0; p < 40; p++) {
        for (int j = 0; j < head_dim / 2; j++) {
            double angle = p * std::pow(10000.0, -2.0 * j / head_dim);
            angles.push_back(angle);
            table[size_t(p * head_dim + j)] = float(std::cos(angle));
            table[size_t(p * head_dim + head_dim / 2 + j)] = float(std::sin(angle));
        }
    }
    for (int adjacent : {0, 1}) {
        Context kernels = context(2, GR_ISA_SCALAR);
        int32_t positions[] = {0, 39, 5, 5};
        Floats x(4 * size_t(heads * head_dim));
        randomise(x, random);
        std::vector<float> before(x.data(), x.data() + x.size());
        CHECK(gr_rope(kernels.get(), x.data(), 4, heads, head_dim, positions, table.data(),
                      adjacent) == GR_OK,
              "rope");
        for (int i = 0; i < 4 * heads; i++) {
            for (int j = 0; j < head_dim / 2; j++) {
                size_t first = size_t(i * head_dim + (adjacent ? 2 * j : j));
                size_t second = first + size_t(adjacent ? 1 : head_dim / 2);
                double angle = angles[size_t(positions[i / heads] * head_dim / 2 + j)];
                double a = double(before[first]);
                double b = double(before[second]);
                CHECK(std::fabs(double(x[first]) - (a * std::cos(angle) - b * std::sin(angle))) <
                              1e-6,
                      "first");
                CHECK(std::fabs(double(x[second]) - (b * std::cos(angle) + a * std::sin(angle))) <
                              1e-6,
                      "second");
            }
        }
    }
}

TEST(elementwise, combine_forms_the_sum_in_router_order_first) {
    Random random(52);
    int cols = 2503;
    check_shared(int64_t(cols) * 17 * 8);
    for (int threads : {1, 4}) {
        Context kernels = context(threads, GR_ISA_SCALAR);
        for (int k : {1, 2, 8}) {
            int n = 17;
            Floats x(size_t(n * cols));
            Floats partial(size_t(n * k * cols));
            Floats weights(size_t(n * k));
            randomise(x, random);
            randomise(partial, random);
            randomise(weights, random);
            std::vector<float> expected(x.data(), x.data() + x.size());
            for (int t = 0; t < n; t++) {
                for (int c = 0; c < cols; c++) {
                    float sum = 0;
                    for (int rank = 0; rank < k; rank++) {
                        float part = weights[size_t(t * k + rank)] *
                                partial[size_t((t * k + rank) * cols + c)];
                        sum = rank == 0 ? part : sum + part;
                    }
                    expected[size_t(t * cols + c)] += sum;
                }
            }
            CHECK(gr_combine(kernels.get(), x.data(), partial.data(), weights.data(), n, k, cols) ==
                          GR_OK,
                  "combine");
            CHECK(same_bits(x.data(), expected.data(), x.size()), "combine");
        }
    }
}

TEST(elementwise, add_gated_weighs_with_the_sigmoid) {
    Random random(53);
    Context kernels = context(2, GR_ISA_SCALAR);
    Floats x(3 * 65);
    Floats shared(3 * 65);
    Floats gate(3);
    randomise(x, random);
    randomise(shared, random);
    gate[0] = -200;
    gate[1] = 0;
    gate[2] = 200;
    std::vector<float> before(x.data(), x.data() + x.size());
    CHECK(gr_add_gated(kernels.get(), x.data(), shared.data(), gate.data(), 3, 65) == GR_OK, "add");
    const float shares[] = {0, 0.5f, 1};
    for (size_t i = 0; i < x.size(); i++) {
        CHECK(x[i] == before[i] + shares[i / 65] * shared[i], std::to_string(i));
    }
}

TEST(elementwise, refuses_null_and_negative) {
    Context kernels = context(1, GR_ISA_SCALAR);
    float value = 1;
    CHECK(gr_add(kernels.get(), nullptr, &value, 1, 1) == GR_BAD_ARGUMENT, "null");
    CHECK(gr_add(nullptr, &value, &value, 1, 1) == GR_BAD_ARGUMENT, "no context");
    CHECK(gr_add(kernels.get(), &value, &value, -1, 1) == GR_BAD_ARGUMENT, "negative");
    CHECK(gr_combine(kernels.get(), &value, &value, &value, 1, 0, 1) == GR_BAD_ARGUMENT, "k");
}
