#include "fixtures.h"

#include <algorithm>

using namespace testing;

namespace {

// A cache of two layers with shuffled pages, filled through gr_store_kv.
struct Cache {
    Cache(int32_t type, int pages, int page_size, int kv_heads, int head_dim)
            : width(size_t(kv_heads) * size_t(head_dim)),
              bytes(2 * 2 * size_t(pages) * size_t(page_size) * width * (type == GR_F16 ? 2 : 4)) {
        kv = {bytes.data(), type, 2, pages, page_size, kv_heads, head_dim};
        bytes.fill(0xFF);  // NaN wherever nothing was stored
    }

    size_t width;
    Guarded<uint8_t> bytes;
    gr_kv_cache kv;
};

float stored(int32_t type, float value) {
    return type == GR_F16 ? greenroom::half_to_float(greenroom::float_to_half(value)) : value;
}

// Two sequences of different length in one cache.
struct Scene {
    Scene(int32_t type, int page_size, int kv_heads, int group, int head_dim, int long_one,
          int short_one, Random& random)
            : heads(kv_heads * group),
              q_width(size_t(heads) * size_t(head_dim)),
              cache(type, pages(long_one, page_size) + pages(short_one, page_size) + 3, page_size,
                    kv_heads, head_dim) {
        std::vector<int32_t> free(static_cast<size_t>(cache.kv.pages));
        for (size_t i = 0; i < free.size(); i++) {
            free[i] = int32_t(i);
        }
        for (size_t i = free.size(); i > 1; i--) {
            std::swap(free[i - 1], free[size_t(random.below(int(i)))]);
        }
        for (int length : {long_one, short_one}) {
            offsets.push_back(int32_t(tables.size()));
            size_t first = tables.size();
            for (int i = 0; i < pages(length, page_size); i++) {
                tables.push_back(free.back());
                free.pop_back();
            }
            keys.emplace_back(size_t(length) * cache.width);
            values.emplace_back(size_t(length) * cache.width);
            Floats k(size_t(length) * cache.width);
            Floats v(size_t(length) * cache.width);
            randomise(k, random);
            randomise(v, random);
            std::vector<int32_t> cells;
            for (int p = 0; p < length; p++) {
                cells.push_back(tables[first + size_t(p / page_size)] * page_size + p % page_size);
            }
            Context kernels = context(2, GR_ISA_SCALAR);
            CHECK(gr_store_kv(kernels.get(), &cache.kv, 1, k.data(), v.data(), length,
                              cells.data()) == GR_OK,
                  "store");
            for (size_t i = 0; i < k.size(); i++) {
                keys.back()[i] = stored(type, k[i]);
                values.back()[i] = stored(type, v[i]);
            }
        }
    }

    static int pages(int length, int page_size) { return (length + page_size - 1) / page_size; }

    gr_status run(gr_context* kernels, const float* q, int n, const int32_t* positions,
                  const int32_t* sequences, float* out) const {
        return gr_attention(kernels, &cache.kv, 1, q, n, heads, positions, sequences,
                            tables.data(), offsets.data(), out);
    }

    void check(int32_t isa, const float* q, int position, int sequence, const float* out) const {
        int head_dim = cache.kv.head_dim;
        int group = heads / cache.kv.kv_heads;
        for (int h = 0; h < heads; h++) {
            size_t at = size_t(h / group) * size_t(head_dim);
            const float* query = q + size_t(h) * size_t(head_dim);
            std::vector<double> weights;
            double highest = -INFINITY;
            double score_error = 0;
            for (int p = 0; p <= position; p++) {
                Dot score = dot(&keys[size_t(sequence)][size_t(p) * cache.width + at], query,
                                head_dim);
                weights.push_back(score.value / std::sqrt(double(head_dim)));
                highest = std::max(highest, weights.back());
                // Scalar adds one partial sum per 32 elements.
                score_error = std::max(score_error,
                                       (dot_bound(head_dim) + (head_dim / 32 + 4) * kUnit) *
                                               score.magnitude / std::sqrt(double(head_dim)));
            }
            double total = 0;
            for (double& weight : weights) {
                weight = std::exp(weight - highest);
                total += weight;
            }
            double relative = 4 * score_error + (2 * (position + 1) + 16) * kUnit;
            for (int d = 0; d < head_dim; d++) {
                double expected = 0;
                double magnitude = 0;
                for (int p = 0; p <= position; p++) {
                    double part = weights[size_t(p)] / total *
                            double(values[size_t(sequence)]
                                         [size_t(p) * cache.width + at + size_t(d)]);
                    expected += part;
                    magnitude += std::fabs(part);
                }
                double actual = double(out[size_t(h) * size_t(head_dim) + size_t(d)]);
                CHECK(std::fabs(actual - expected) <= relative * magnitude,
                      text(isa, "attention", actual, expected));
            }
        }
    }

    int heads;
    size_t q_width;
    Cache cache;
    std::vector<int32_t> tables;
    std::vector<int32_t> offsets;
    std::vector<std::vector<float>> keys;    // per sequence [length, width], as stored
    std::vector<std::vector<float>> values;
};

}  // namespace

TEST(attention, agrees_with_doubles) {
    Random random(40);
    for (int32_t isa : isas()) {
        Context kernels = context(2, isa);
        for (int32_t type : {GR_F32, GR_F16}) {
            for (int head_dim : {2, 16, 31, 32, 64, 80, 96, 128, 160, 256}) {
                for (int group : {1, 2, 7}) {
                    Scene scene(type, 4, 2, group, head_dim, 53, 9, random);
                    int32_t positions[] = {0, 8, 3, 15, 31, 32, 33, 52};
                    int32_t sequences[] = {1, 1, 0, 0, 0, 0, 0, 0};
                    Floats q(8 * scene.q_width);
                    Floats out(8 * scene.q_width);
                    randomise(q, random);
                    fill_nan(out);
                    CHECK(scene.run(kernels.get(), q.data(), 8, positions, sequences,
                                    out.data()) == GR_OK,
                          "run");
                    for (size_t i = 0; i < 8; i++) {
                        scene.check(isa, q.data() + i * scene.q_width, positions[i], sequences[i],
                                    out.data() + i * scene.q_width);
                    }
                }
            }
        }
    }
}

TEST(attention, a_row_does_not_depend_on_its_company_or_threads) {
    Random random(41);
    for (int32_t isa : isas()) {
        for (int32_t type : {GR_F32, GR_F16}) {
            Scene scene(type, 16, 2, 4, 64, 300, 70, random);
            check_shared(int64_t(17) * 60 * scene.heads * 64 * 2);
            Floats q(17 * scene.q_width);
            randomise(q, random);
            std::vector<int32_t> positions;
            std::vector<int32_t> sequences;
            for (int i = 0; i < 17; i++) {
                sequences.push_back(i % 3 == 0 ? 1 : 0);
                positions.push_back(i % 3 == 0 ? i * 4 : 299 - i * 11);
            }
            std::vector<float> single(q.size());
            Context alone = context(1, isa);
            for (size_t i = 0; i < 17; i++) {
                scene.run(alone.get(), q.data() + i * scene.q_width, 1, &positions[i],
                          &sequences[i], single.data() + i * scene.q_width);
            }
            for (int threads = 1; threads <= 4; threads++) {
                Context kernels = context(threads, isa);
                for (int n = 1; n <= 17; n++) {
                    size_t first = size_t(17 - n);
                    Floats out(size_t(n) * scene.q_width);
                    fill_nan(out);
                    scene.run(kernels.get(), q.data() + first * scene.q_width, n,
                              &positions[first], &sequences[first], out.data());
                    CHECK(same_bits(out.data(), single.data() + first * scene.q_width, out.size()),
                          text(isa, "n, threads", n, threads));
                }
            }
        }
    }
}

TEST(attention, large_scores_do_not_overflow) {
    Random random(42);
    for (int32_t isa : isas()) {
        Context kernels = context(1, isa);
        Scene scene(GR_F32, 4, 1, 1, 64, 40, 1, random);
        Floats q(scene.q_width);
        Floats out(scene.q_width);
        for (size_t i = 0; i < q.size(); i++) {
            q[i] = 1e4f * random.real();
        }
        int32_t position = 39;
        int32_t sequence = 0;
        scene.run(kernels.get(), q.data(), 1, &position, &sequence, out.data());
        for (size_t i = 0; i < out.size(); i++) {
            CHECK(std::isfinite(out[i]) && std::fabs(out[i]) <= 1.0f, text(isa, "out", 0, 0));
        }
    }
}

TEST(attention, refuses_what_does_not_fit) {
    Random random(43);
    Context kernels = context(1, GR_ISA_SCALAR);
    Scene scene(GR_F32, 4, 2, 2, 16, 5, 5, random);
    Floats q(scene.q_width);
    int32_t zero = 0;
    gr_kv_cache kv = scene.cache.kv;
    CHECK(gr_attention(kernels.get(), &kv, 2, q.data(), 1, 4, &zero, &zero, &zero, &zero,
                       q.data()) == GR_BAD_ARGUMENT,
          "layer");
    CHECK(gr_attention(kernels.get(), &kv, 0, q.data(), 1, 3, &zero, &zero, &zero, &zero,
                       q.data()) == GR_BAD_ARGUMENT,
          "heads");
    kv.type = GR_BF16;
    CHECK(gr_attention(kernels.get(), &kv, 0, q.data(), 1, 4, &zero, &zero, &zero, &zero,
                       q.data()) == GR_BAD_ARGUMENT,
          "type");
}
