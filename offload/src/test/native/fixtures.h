// What kernel tests share: contexts on every instruction set, memory that ends at a guard page, and
// random weights of every type.
#ifndef GREENROOM_FIXTURES_H
#define GREENROOM_FIXTURES_H

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "context.h"
#include "dequantize.h"
#include "greenroom.h"
#include "testing.h"

namespace testing {

constexpr double kUnit = 0x1p-24;  // rounding of one float32 operation, relative

inline const int32_t kWeightTypes[] = {
        GR_F32, GR_F16, GR_BF16, GR_Q8_0, GR_Q4_0, GR_Q4_K, GR_Q5_K, GR_Q6_K, GR_Q2_G32};

inline std::vector<int32_t> isas() {
    std::vector<int32_t> available;
    for (int32_t isa = GR_ISA_SCALAR; isa <= GR_ISA_AVX512; isa++) {
        if (gr_isa_available() & (1u << isa)) {
            available.push_back(isa);
        }
    }
    return available;
}

// Closes itself.
using Context = std::unique_ptr<gr_context, void (*)(gr_context*)>;

inline Context context(int threads, int32_t isa, int32_t precision = GR_FLOAT32) {
    gr_context* created = nullptr;
    gr_status status = gr_context_create(threads, isa, precision, &created);
    if (status != GR_OK) {
        fail(__FILE__, __LINE__, "no context: status " + std::to_string(status));
        std::exit(1);
    }
    return Context(created, gr_context_destroy);
}

// `count` elements whose last byte is followed by a page that must not be touched.
template <class T>
class Guarded {
public:
    explicit Guarded(size_t count) : count_(count) {
        size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        size_t bytes = count * sizeof(T);
        mapped_ = (bytes + page - 1) / page * page + page;
        base_ = static_cast<uint8_t*>(mmap(
                nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (base_ == MAP_FAILED || mprotect(base_ + mapped_ - page, page, PROT_NONE) != 0) {
            std::perror("guard page");
            std::exit(1);
        }
        data_ = reinterpret_cast<T*>(base_ + mapped_ - page - bytes);
    }

    ~Guarded() { munmap(base_, mapped_); }

    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](size_t i) { return data_[i]; }
    const T& operator[](size_t i) const { return data_[i]; }
    size_t size() const { return count_; }

    void fill(T value) {
        for (size_t i = 0; i < count_; i++) {
            data_[i] = value;
        }
    }

private:
    size_t count_;
    size_t mapped_;
    uint8_t* base_;
    T* data_;
};

using Floats = Guarded<float>;
using Ints = Guarded<int32_t>;

inline void randomise(Floats& values, Random& random) {
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = random.real();
    }
}

inline void fill_nan(Floats& values) {
    values.fill(std::numeric_limits<float>::quiet_NaN());
}

// A random weight matrix that ends at a guard page, and its values.
class Weights {
public:
    Weights(int32_t ggml_type, int32_t rows, int32_t cols, Random& random)
            : type_(greenroom::type_index(ggml_type)),
              row_bytes_(greenroom::row_bytes(type_, cols)),
              bytes_(row_bytes_ * size_t(rows)) {
        matrix = {bytes_.data(), ggml_type, rows, cols};
        for (size_t i = 0; i < bytes_.size(); i++) {
            bytes_[i] = static_cast<uint8_t>(random.next());
        }
        int block_bytes = greenroom::kBlockShapes[type_].bytes;
        for (size_t at = 0; at < bytes_.size(); at += size_t(block_bytes)) {
            tame(&bytes_[at], random);
        }
    }

    // Row r as the scalar definition decodes it.
    std::vector<float> row(int r) const {
        std::vector<float> values(static_cast<size_t>(matrix.cols));
        greenroom::dequantize_row(
                type_, bytes_.data() + size_t(r) * row_bytes_, matrix.cols, values.data());
        return values;
    }

    gr_matrix matrix;

private:
    // Random bits make infinities and NaN of floats and scales: put reasonable ones there.
    void tame(uint8_t* block, Random& random) {
        float value = random.real();
        switch (type_) {
            case greenroom::kF32:
                std::memcpy(block, &value, 4);
                return;
            case greenroom::kF16:
                put_half(block, value);
                return;
            case greenroom::kBF16: {
                uint32_t bits = greenroom::float_to_bits(value);
                block[0] = static_cast<uint8_t>(bits >> 16);
                block[1] = static_cast<uint8_t>(bits >> 24);
                return;
            }
            case greenroom::kQ4_K:
            case greenroom::kQ5_K:
                put_half(block + 2, random.real() * 0.01f);
                [[fallthrough]];
            case greenroom::kQ8_0:
            case greenroom::kQ4_0:
            case greenroom::kQ2_G32:
                put_half(block, value * 0.01f);
                return;
            default:
                put_half(block + 208, value * 0.001f);
                return;
        }
    }

    static void put_half(uint8_t* at, float value) {
        uint16_t half = greenroom::float_to_half(value);
        std::memcpy(at, &half, 2);
    }

    int type_;
    size_t row_bytes_;
    Guarded<uint8_t> bytes_;
};

struct Dot {
    double value;
    double magnitude;  // sum of |w x|
};

inline Dot dot(const float* w, const float* x, int count) {
    Dot result = {0, 0};
    for (int i = 0; i < count; i++) {
        double product = double(w[i]) * double(x[i]);
        result.value += product;
        result.magnitude += std::fabs(product);
    }
    return result;
}

// The error of a float32 sum of `count` products in at least 16 lanes, relative to the sum of their
// magnitudes: each lane adds count / 16 terms, the fold 5 more, a product rounds once.
inline double dot_bound(int count) { return (count / 16 + 8) * kUnit; }

// A test of several threads must give them something to share.
inline void check_shared(int64_t work) {
    if (work < greenroom::kMinParallelWork) {
        fail(__FILE__, __LINE__, "too small to be shared: " + std::to_string(work));
    }
}

inline bool same_bits(const float* a, const float* b, size_t count) {
    return std::memcmp(a, b, count * sizeof(float)) == 0;
}

inline std::string text(int32_t isa, const char* what, double a, double b) {
    return "isa " + std::to_string(isa) + ", " + what + ": " + std::to_string(a) + " / " +
            std::to_string(b);
}

}  // namespace testing

#endif
