// The quantiser of activations, and the definition of products in integers.

#include "int8.h"

#include <cmath>

#include "half.h"

namespace greenroom {

// A block of values below this becomes zeros: 127 / max|x| must stay finite.
constexpr float kSmallest = 0x1p-120f;

void quantize_row(const float* x, int cols, uint8_t* memory) {
    QuantizedRow row = quantized_row(memory, cols);
    int8_t* q = const_cast<int8_t*>(row.q);
    float* scales = const_cast<float*>(row.scales);
    int32_t* sums = const_cast<int32_t*>(row.sums);
    for (int b = 0; b < cols / kBlock; b++) {
        const float* block = x + b * kBlock;
        float largest = 0;
        float poison = 0;  // NaN as soon as one value is not finite
        for (int i = 0; i < kBlock; i++) {
            float magnitude = std::fabs(block[i]);
            largest = magnitude > largest ? magnitude : largest;
            poison += block[i] * 0.0f;
        }
        bool finite = poison == 0;
        if (largest < kSmallest) {
            largest = 0;
        }
        float inverse = finite && largest > 0 ? 127.0f / largest : 0;
        int32_t sum = 0;
        for (int i = 0; i < kBlock; i++) {
            // Adding 1.5 * 2^23 rounds to nearest even and leaves the integer in the low bits.
            float rounded = (finite ? block[i] : 0.0f) * inverse + 0x1.8p23f;
            int32_t value = int32_t(float_to_bits(rounded)) - 0x4B400000;
            q[b * kBlock + i] = int8_t(value);
            sum += value;
        }
        scales[b] = finite ? largest / 127.0f : NAN;
        sums[b] = sum;
    }
}

namespace {

int32_t dot_q8_0(const uint8_t* block, const int8_t* x) {
    int32_t sum = 0;
    for (int i = 0; i < kBlock; i++) {
        sum += int8_t(block[2 + i]) * x[i];
    }
    return sum;
}

int32_t dot_q4_0(const uint8_t* block, const int8_t* x) {
    int32_t sum = 0;
    for (int i = 0; i < kBlock / 2; i++) {
        sum += ((block[2 + i] & 15) - 8) * x[i] + ((block[2 + i] >> 4) - 8) * x[i + 16];
    }
    return sum;
}

template <int BlockBytes, int32_t (*Dot)(const uint8_t*, const int8_t*)>
void matmul(const Int8Call& call) {
    for (int r = call.row_begin; r < call.row_end; r++) {
        const uint8_t* row = call.weights + size_t(r) * call.row_bytes;
        for (int t = 0; t < call.n; t++) {
            const QuantizedRow& x = call.x[t];
            float lanes[4] = {};
            for (int b = 0; b < call.cols / kBlock; b++) {
                const uint8_t* block = row + size_t(b) * BlockBytes;
                float scale = load_half(block) * x.scales[b];
                lanes[b % 4] += float(Dot(block, x.q + b * kBlock)) * scale;
            }
            call.out[t][r] = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
        }
    }
}

constexpr Int8Table kTable = {matmul<34, dot_q8_0>, matmul<18, dot_q4_0>};

}  // namespace

const Int8Table* scalar_int8_kernels() { return &kTable; }

}  // namespace greenroom
