#include "fixtures.h"

using namespace testing;

namespace {

int block_of(int32_t type) {
    return greenroom::kBlockShapes[greenroom::type_index(type)].elements;
}

void check_against_doubles(
        int32_t isa, const Weights& weights, const Floats& x, int n, const Floats& out,
        const float* bias) {
    int rows = weights.matrix.rows;
    int cols = weights.matrix.cols;
    for (int r = 0; r < rows; r++) {
        std::vector<float> row = weights.row(r);
        for (int t = 0; t < n; t++) {
            Dot exact = dot(row.data(), x.data() + size_t(t) * size_t(cols), cols);
            double expected = exact.value + (bias != nullptr ? double(bias[r]) : 0);
            double bound = dot_bound(cols) * exact.magnitude + kUnit * std::fabs(expected) + 1e-38;
            double actual = double(out[size_t(t) * size_t(rows) + size_t(r)]);
            CHECK(std::fabs(actual - expected) <= bound,
                  text(isa, "type, cols", weights.matrix.type, cols) + ", n " +
                          std::to_string(n) + ": " + std::to_string(actual) + " for " +
                          std::to_string(expected));
        }
    }
}

}  // namespace

TEST(matmul, every_length_agrees_with_doubles) {
    Random random(10);
    for (int32_t isa : isas()) {
        Context kernels = context(1, isa);
        for (int32_t type : kWeightTypes) {
            int block = block_of(type);
            // 0 to 3 lanes + 1 of the widest twin; whole blocks for the others.
            int lengths = block == 1 ? 3 * 32 + 1 : 3;
            for (int blocks = 1; blocks <= lengths; blocks++) {
                int rows = 1 + random.below(5);
                int n = 1 + random.below(8);
                Weights weights(type, rows, blocks * block, random);
                Floats x(size_t(n) * size_t(blocks * block));
                Floats out(size_t(n) * size_t(rows));
                randomise(x, random);
                fill_nan(out);
                gr_status status = gr_matmul(
                        kernels.get(), &weights.matrix, x.data(), n, nullptr, out.data());
                CHECK(status == GR_OK, "matmul");
                check_against_doubles(isa, weights, x, n, out, nullptr);
            }
        }
    }
}

TEST(matmul, adds_the_bias) {
    Random random(11);
    for (int32_t isa : isas()) {
        Context kernels = context(2, isa);
        Weights weights(GR_Q8_0, 37, 64, random);
        Floats x(3 * 64);
        Floats bias(37);
        Floats out(3 * 37);
        randomise(x, random);
        randomise(bias, random);
        fill_nan(out);
        CHECK(gr_matmul(kernels.get(), &weights.matrix, x.data(), 3, bias.data(), out.data()) ==
                      GR_OK,
              "matmul");
        check_against_doubles(isa, weights, x, 3, out, bias.data());
    }
}

// The property the expert cache and batching rest on.
TEST(matmul, a_row_does_not_depend_on_its_company_or_threads) {
    Random random(12);
    for (int32_t isa : isas()) {
        Context alone = context(1, isa);
        for (int32_t type : kWeightTypes) {
            int cols = block_of(type) == 1 ? 771 : 768;
            int rows = 350;
            check_shared(int64_t(rows) * cols);
            Weights weights(type, rows, cols, random);
            Floats x(17 * size_t(cols));
            randomise(x, random);
            std::vector<float> single(17 * size_t(rows));
            for (size_t t = 0; t < 17; t++) {
                gr_status status = gr_matmul(alone.get(), &weights.matrix,
                                             x.data() + t * size_t(cols), 1, nullptr,
                                             single.data() + t * size_t(rows));
                CHECK(status == GR_OK, "matmul");
            }
            for (int threads = 1; threads <= 4; threads++) {
                Context kernels = context(threads, isa);
                for (int n = 1; n <= 17; n++) {
                    // A window that ends at the last row, so that every row gets every place.
                    size_t first = size_t(17 - n);
                    Floats out(size_t(n) * size_t(rows));
                    fill_nan(out);
                    gr_status status = gr_matmul(kernels.get(), &weights.matrix,
                                                 x.data() + first * size_t(cols), n, nullptr,
                                                 out.data());
                    CHECK(status == GR_OK, "matmul");
                    CHECK(same_bits(out.data(), single.data() + first * size_t(rows), out.size()),
                          text(isa, "type, n", type, n) + ", threads " + std::to_string(threads));
                }
            }
        }
    }
}

TEST(matmul, weights_need_no_alignment) {
    Random random(14);
    for (int32_t isa : isas()) {
        Context kernels = context(1, isa);
        for (int32_t type : kWeightTypes) {
            int cols = block_of(type) == 1 ? 291 : 256;
            Weights weights(type, 5, cols, random);
            size_t bytes = 5 * greenroom::row_bytes(greenroom::type_index(type), cols);
            Guarded<uint8_t> odd(bytes + 1);
            std::memcpy(odd.data(), weights.matrix.data, bytes);
            CHECK(reinterpret_cast<uintptr_t>(odd.data()) % 2 == 1, "an odd address");
            gr_matrix moved = weights.matrix;
            moved.data = odd.data();
            Floats x(7 * size_t(cols));
            Floats expected(7 * 5);
            Floats actual(7 * 5);
            randomise(x, random);
            for (int n : {1, 3, 7}) {
                fill_nan(actual);
                gr_matmul(kernels.get(), &weights.matrix, x.data(), n, nullptr, expected.data());
                gr_matmul(kernels.get(), &moved, x.data(), n, nullptr, actual.data());
                CHECK(same_bits(actual.data(), expected.data(), size_t(n) * 5),
                      text(isa, "type, n", type, n));
            }
        }
    }
}

TEST(matmul, carries_infinities_and_nan) {
    for (int32_t isa : isas()) {
        Context kernels = context(1, isa);
        Floats w(2 * 33);
        Floats x(33);
        Floats out(2);
        w.fill(1);
        x.fill(1);
        x[32] = INFINITY;
        gr_matrix matrix = {w.data(), GR_F32, 2, 33};
        gr_matmul(kernels.get(), &matrix, x.data(), 1, nullptr, out.data());
        CHECK(std::isinf(out[0]) && std::isinf(out[1]), "infinity in the tail");
        x[32] = NAN;
        gr_matmul(kernels.get(), &matrix, x.data(), 1, nullptr, out.data());
        CHECK(std::isnan(out[0]) && std::isnan(out[1]), "NaN in the tail");
    }
}

TEST(matmul, refuses_what_does_not_fit) {
    Random random(13);
    Context kernels = context(1, GR_ISA_SCALAR);
    Weights weights(GR_Q4_K, 1, 256, random);
    Floats x(256);
    Floats out(1);
    gr_matrix bad = weights.matrix;
    bad.cols = 128;
    CHECK(gr_matmul(kernels.get(), &bad, x.data(), 1, nullptr, out.data()) == GR_BAD_ARGUMENT,
          "part of a block");
    bad = weights.matrix;
    bad.type = 3;
    CHECK(gr_matmul(kernels.get(), &bad, x.data(), 1, nullptr, out.data()) == GR_BAD_ARGUMENT,
          "unknown type");
    CHECK(gr_matmul(kernels.get(), &weights.matrix, nullptr, 1, nullptr, out.data()) ==
                  GR_BAD_ARGUMENT,
          "null");
    out[0] = 7;
    CHECK(gr_matmul(kernels.get(), &weights.matrix, x.data(), 0, nullptr, out.data()) == GR_OK &&
                  out[0] == 7,
          "no rows, nothing written");
}
