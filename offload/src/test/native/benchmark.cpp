// greenroom_benchmark [ISA] [THREADS] [INT8]: the expert feed-forward block and the matrix product,
// per type: bytes of weights read per second for one token (weights far larger than the caches), and
// multiply-adds per second for 128; then attention of one token over contexts of some lengths, per
// layer, as bytes of keys and values read per second. Results are checked for NaN. Figures move with the machine's
// neighbours: run variants alternately and several times.
//
//   cmake --build offload/target/native --target greenroom_benchmark
//   offload/target/native/tests/greenroom_benchmark 2 1

#include <algorithm>
#include <chrono>

#include "fixtures.h"

using namespace testing;

namespace {

double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
            .count();
}

// The median of some runs of at least a fifth of a second together.
template <class F>
double time_of(F&& run) {
    std::vector<double> times;
    run();
    double end = seconds() + 0.2;
    do {
        double start = seconds();
        run();
        times.push_back(seconds() - start);
    } while (seconds() < end || times.size() < 5);
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

// One token of each of `layers` layers in turn, so that keys and values come from memory.
void attention(gr_context* kernels, int heads, int kv_heads, int head_dim, int32_t type, int length) {
    const int page_size = 64;
    const int layers = 16;
    int pages = (length + page_size - 1) / page_size;
    size_t cell = size_t(kv_heads) * size_t(head_dim) * (type == GR_F16 ? 2 : 4);
    size_t bytes = 2 * cell * size_t(page_size) * size_t(pages);
    gr_mapping mapping = {nullptr, 0};
    gr_memory_map(bytes * layers, 2 << 20, 1, &mapping);
    std::memset(mapping.address, 0x3C, bytes * layers);  // 1.06 in half precision, 0.01 in single
    gr_kv_cache cache = {mapping.address, type, layers, pages, page_size, kv_heads, head_dim};
    Random random(2);
    Floats q(size_t(heads) * size_t(head_dim));
    Floats out(q.size());
    randomise(q, random);
    std::vector<int32_t> table;
    for (int page = 0; page < pages; page++) {
        table.push_back(page);
    }
    int32_t position = length - 1;
    int32_t zero = 0;
    int layer = 0;
    double one = time_of([&] {
        gr_attention(kernels, &cache, layer++ % layers, q.data(), 1, heads, &position, &zero,
                     table.data(), &zero, out.data());
    });
    std::printf("attention %2d/%2d heads of %3d, %s, context %5d: %8.1f us %6.1f GB/s%s\n", heads,
                kv_heads, head_dim, type == GR_F16 ? "f16" : "f32", length, one * 1e6,
                2.0 * double(cell) * length / one * 1e-9, std::isnan(out[0]) ? " (NaN)" : "");
    gr_memory_unmap(mapping);
}

}  // namespace

int main(int argc, char** argv) {
    seed = 1;
    int isa = argc > 1 ? std::atoi(argv[1]) : isas().back();
    int threads = argc > 2 ? std::atoi(argv[2]) : 1;
    int precision = argc > 3 ? std::atoi(argv[3]) : GR_FLOAT32;
    const int hidden = 2048;
    const int inner = 1024;
    const int experts = 32;
    const int tokens = 128;
    Context kernels = context(threads, isa, precision);
    Random random(1);
    Floats x(size_t(tokens) * hidden);
    Floats out(size_t(tokens) * hidden);
    randomise(x, random);
    std::vector<int32_t> rows(tokens);
    for (int t = 0; t < tokens; t++) {
        rows[size_t(t)] = t;
    }
    std::printf("isa %d, %d threads, precision %d\n", isa, threads, precision);
    for (int32_t type : kWeightTypes) {
        // As in production: experts in huge pages. All experts are alike but for their place.
        size_t matrix_bytes =
                greenroom::row_bytes(greenroom::type_index(type), hidden) * size_t(inner);
        gr_mapping mapping = {nullptr, 0};
        gr_memory_map(matrix_bytes * 3 * experts, 2 << 20, 1, &mapping);
        uint8_t* arena = static_cast<uint8_t*>(mapping.address);
        Weights across(type, inner, hidden, random);
        Weights down(type, hidden, inner, random);
        for (int i = 0; i < 3 * experts; i++) {
            const Weights& from = i % 3 == 2 ? down : across;
            std::memcpy(arena + size_t(i) * matrix_bytes, from.matrix.data, matrix_bytes);
        }
        auto run = [&](int expert, int n) {
            const uint8_t* first = arena + size_t(expert) * 3 * matrix_bytes;
            gr_matrix gate = {first, type, inner, hidden};
            gr_matrix up = {first + matrix_bytes, type, inner, hidden};
            gr_matrix downward = {first + 2 * matrix_bytes, type, hidden, inner};
            gr_feed_forward(kernels.get(), &gate, &up, &downward, x.data(), rows.data(),
                            rows.data(), n, out.data());
        };
        double bytes = 3.0 * double(matrix_bytes);
        double work = 3.0 * inner * hidden;
        // One expert after the other, each timed alone: a slice lost to another process spoils few.
        int next = 0;
        double one = time_of([&] { run(next++ % experts, 1); });
        double cached = time_of([&] { run(0, 1); });
        double four = time_of([&] { run(next++ % experts, 4); });
        double many = time_of([&] { run(0, tokens); });
        std::printf("type %2d: 1 token %6.1f GB/s (in cache %6.1f), 4 tokens %6.1f GB/s, %d tokens %6.1f Gmac/s%s\n",
                    type, bytes / one * 1e-9, bytes / cached * 1e-9, bytes / four * 1e-9, tokens,
                    work * tokens / many * 1e-9, std::isnan(out[0]) ? " (NaN)" : "");
        gr_memory_unmap(mapping);
    }
    for (int length : {256, 1024, 4096}) {
        for (int32_t type : {GR_F32, GR_F16}) {
            attention(kernels.get(), 16, 16, 128, type, length);  // OLMoE-1B-7B
            attention(kernels.get(), 32, 4, 128, type, length);   // Qwen3-30B-A3B
            attention(kernels.get(), 8, 2, 64, type, length);
        }
    }
    return 0;
}
