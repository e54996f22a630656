// greenroom_benchmark [ISA] [THREADS] [INT8]: the expert feed-forward block and the matrix product,
// per type: bytes of weights read per second for one token (weights far larger than the caches), and
// multiply-adds per second for 128. Results are checked for NaN. Figures move with the machine's
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
    return 0;
}
