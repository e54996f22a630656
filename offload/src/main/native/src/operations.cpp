// The operations that run on an instruction set's kernels: arguments, scratch and the split of work
// among threads. Work is split between (weight row, token) or (query row, head) pairs, never inside.

#include <cmath>

#include "context.h"
#include "half.h"
#include "scratch.h"

using greenroom::AttentionCall;
using greenroom::Int8Call;
using greenroom::MatmulCall;
using greenroom::parallel;
using greenroom::QuantizedRow;
using greenroom::Scratch;

namespace {

// Rows of a weight matrix are split in multiples of what the widest kernel takes at once.
constexpr int kRowMultiple = 16;

bool valid(const gr_matrix* w) {
    if (w == nullptr || w->data == nullptr || w->rows < 1 || w->cols < 1) {
        return false;
    }
    int type = greenroom::type_index(w->type);
    return type >= 0 && w->cols % greenroom::kBlockShapes[type].elements == 0;
}

greenroom::Int8Kernel int8_kernel(const gr_context* context, const gr_matrix& w) {
    if (context->int8 == nullptr) {
        return nullptr;
    }
    return w.type == GR_Q8_0 ? context->int8->q8_0
            : w.type == GR_Q4_0 ? context->int8->q4_0
                                : nullptr;
}

// Rows of activations that meet weights: as they are, and in 8 bits where a weight wants them so.
struct Inputs {
    const float* const* rows;  // n rows
    int n;
    const QuantizedRow* quantized;  // n rows, or null
};

// Rounds the rows to 8 bits if one of two matrices of `cols` columns asks for it.
gr_status prepare(
        gr_context* context,
        const gr_matrix& one,
        const gr_matrix& other,
        const float* const* rows,
        int n,
        Inputs* inputs) {
    *inputs = {rows, n, nullptr};
    if (int8_kernel(context, one) == nullptr && int8_kernel(context, other) == nullptr) {
        return GR_OK;
    }
    int cols = one.cols;
    size_t bytes = greenroom::quantized_bytes(cols);
    uint8_t* memory = Scratch::get<uint8_t>(Scratch::kQuantized, bytes * size_t(n));
    QuantizedRow* views = Scratch::get<QuantizedRow>(Scratch::kQuantizedRows, size_t(n));
    if (memory == nullptr || views == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    inputs->quantized = views;
    return parallel(context, n, cols, 1, [=](int begin, int end) {
        for (int t = begin; t < end; t++) {
            greenroom::quantize_row(rows[t], cols, memory + size_t(t) * bytes);
            views[t] = greenroom::quantized_row(memory + size_t(t) * bytes, cols);
        }
        return GR_OK;
    });
}

// out[t][r] = dot(w[r], x[t]) for a range of r, on this thread.
gr_status multiply_rows(
        const gr_context* context,
        const gr_matrix& w,
        const Inputs& x,
        float* const* out,
        int begin,
        int end) {
    int type = greenroom::type_index(w.type);
    const uint8_t* weights = static_cast<const uint8_t*>(w.data);
    size_t row_bytes = greenroom::row_bytes(type, w.cols);
    greenroom::Int8Kernel int8 = int8_kernel(context, w);
    size_t panel_bytes = int8 != nullptr ? greenroom::int8_panel_bytes(w.cols)
                                         : greenroom::panel_floats(w.cols) * sizeof(float);
    uint8_t* panel = Scratch::get<uint8_t>(Scratch::kPanel, panel_bytes);
    if (panel == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    if (int8 != nullptr) {
        int8(Int8Call{weights, row_bytes, w.cols, begin, end, x.quantized, out, x.n, panel});
    } else {
        float* floats = reinterpret_cast<float*>(panel);
        context->kernels->matmul[type](
                MatmulCall{weights, row_bytes, w.cols, begin, end, x.rows, out, x.n, floats});
    }
    return GR_OK;
}

}  // namespace

gr_status gr_embed(
        gr_context* context, const gr_matrix* table, const int32_t* tokens, int32_t n, float* out) {
    if (context == nullptr || !valid(table) || tokens == nullptr || n < 0 || out == nullptr) {
        return GR_BAD_ARGUMENT;
    }
    for (int i = 0; i < n; i++) {
        if (tokens[i] < 0 || tokens[i] >= table->rows) {
            return GR_BAD_ARGUMENT;
        }
    }
    int type = greenroom::type_index(table->type);
    size_t bytes = greenroom::row_bytes(type, table->cols);
    const uint8_t* rows = static_cast<const uint8_t*>(table->data);
    return parallel(context, n, table->cols, 1, [=](int begin, int end) {
        for (int i = begin; i < end; i++) {
            context->kernels->dequantize(
                    type,
                    rows + size_t(tokens[i]) * bytes,
                    table->cols,
                    out + size_t(i) * size_t(table->cols));
        }
        return GR_OK;
    });
}

gr_status gr_rms_norm(
        gr_context* context,
        const float* x,
        int32_t n,
        int32_t cols,
        const float* weight,
        float epsilon,
        float* out) {
    if (context == nullptr || x == nullptr || weight == nullptr || out == nullptr || n < 0 ||
        cols < 1) {
        return GR_BAD_ARGUMENT;
    }
    return parallel(context, n, int64_t(cols) * 2, 1, [=](int begin, int end) {
        for (int i = begin; i < end; i++) {
            size_t at = size_t(i) * size_t(cols);
            context->kernels->rms_norm(x + at, weight, epsilon, cols, out + at);
        }
        return GR_OK;
    });
}

gr_status gr_matmul(
        gr_context* context,
        const gr_matrix* w,
        const float* x,
        int32_t n,
        const float* bias,
        float* out) {
    if (context == nullptr || !valid(w) || x == nullptr || out == nullptr || n < 0) {
        return GR_BAD_ARGUMENT;
    }
    float** pointers = Scratch::get<float*>(Scratch::kPointers, size_t(n) * 2);
    if (pointers == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    for (int t = 0; t < n; t++) {
        pointers[t] = const_cast<float*>(x) + size_t(t) * size_t(w->cols);
        pointers[n + t] = out + size_t(t) * size_t(w->rows);
    }
    Inputs inputs;
    gr_status prepared = prepare(context, *w, *w, pointers, n, &inputs);
    if (prepared != GR_OK) {
        return prepared;
    }
    int64_t work = int64_t(w->cols) * n;
    return parallel(context, w->rows, work, kRowMultiple, [=](int begin, int end) {
        gr_status status = multiply_rows(context, *w, inputs, pointers + n, begin, end);
        if (status == GR_OK && bias != nullptr) {
            for (int t = 0; t < n; t++) {
                for (int r = begin; r < end; r++) {
                    pointers[n + t][r] += bias[r];
                }
            }
        }
        return status;
    });
}

gr_status gr_feed_forward(
        gr_context* context,
        const gr_matrix* gate,
        const gr_matrix* up,
        const gr_matrix* down,
        const float* x,
        const int32_t* rows,
        const int32_t* out_rows,
        int32_t n,
        float* out) {
    if (context == nullptr || !valid(gate) || !valid(up) || !valid(down) || x == nullptr ||
        rows == nullptr || out_rows == nullptr || out == nullptr || n < 0 ||
        gate->rows != up->rows || gate->cols != up->cols || down->cols != gate->rows ||
        down->rows != gate->cols) {
        return GR_BAD_ARGUMENT;
    }
    size_t count = size_t(n);
    size_t hidden = size_t(gate->cols);
    size_t inner = size_t(gate->rows);
    float** pointers = Scratch::get<float*>(Scratch::kPointers, count * 4);
    float* inner_rows = Scratch::get<float>(Scratch::kInner, count * inner * 2);
    if (pointers == nullptr || inner_rows == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    float** from = pointers;
    float** gated = pointers + count;
    float** upward = pointers + 2 * count;
    float** outputs = pointers + 3 * count;
    for (size_t t = 0; t < count; t++) {
        from[t] = const_cast<float*>(x) + size_t(rows[t]) * hidden;
        gated[t] = inner_rows + t * inner;
        upward[t] = inner_rows + (count + t) * inner;
        outputs[t] = out + size_t(out_rows[t]) * hidden;
    }
    Inputs inputs;
    gr_status status = prepare(context, *gate, *up, from, n, &inputs);
    if (status != GR_OK) {
        return status;
    }
    int64_t work = int64_t(hidden) * n;
    status =
            parallel(context, gate->rows, work * 2, kRowMultiple, [=](int begin, int end) {
                gr_status step = multiply_rows(context, *gate, inputs, gated, begin, end);
                if (step == GR_OK) {
                    step = multiply_rows(context, *up, inputs, upward, begin, end);
                }
                for (int t = 0; step == GR_OK && t < n; t++) {
                    context->kernels->silu_mul(gated[t] + begin, upward[t] + begin, end - begin);
                }
                return step;
            });
    if (status == GR_OK) {
        status = prepare(context, *down, *down, gated, n, &inputs);
    }
    if (status != GR_OK) {
        return status;
    }
    return parallel(
            context, down->rows, int64_t(inner) * n, kRowMultiple, [=](int begin, int end) {
                return multiply_rows(context, *down, inputs, outputs, begin, end);
            });
}

gr_status gr_attention(
        gr_context* context,
        const gr_kv_cache* cache,
        int32_t layer,
        const float* q,
        int32_t n,
        int32_t heads,
        const int32_t* positions,
        const int32_t* sequences,
        const int32_t* page_tables,
        const int32_t* table_offsets,
        float* out) {
    if (context == nullptr || cache == nullptr || cache->data == nullptr || q == nullptr ||
        positions == nullptr || sequences == nullptr || page_tables == nullptr ||
        table_offsets == nullptr || out == nullptr || n < 0 || layer < 0 ||
        layer >= cache->layers || cache->kv_heads < 1 || cache->head_dim < 1 ||
        cache->page_size < 1 || heads < 1 || heads % cache->kv_heads != 0 ||
        (cache->type != GR_F32 && cache->type != GR_F16)) {
        return GR_BAD_ARGUMENT;
    }
    bool half = cache->type == GR_F16;
    size_t element = half ? 2 : 4;
    size_t head_bytes = size_t(cache->head_dim) * element;
    size_t page_bytes = size_t(cache->kv_heads) * size_t(cache->page_size) * head_bytes;
    size_t side = size_t(cache->pages) * page_bytes;
    const uint8_t* keys = static_cast<const uint8_t*>(cache->data) + size_t(layer) * 2 * side;
    int group = heads / cache->kv_heads;
    size_t width = size_t(heads) * size_t(cache->head_dim);
    int64_t positions_in_all = 0;
    for (int i = 0; i < n; i++) {
        positions_in_all += positions[i] + 1;
    }
    int64_t work = n == 0 ? 0 : positions_in_all / n * group * cache->head_dim * 2;
    float scale = 1.0f / std::sqrt(float(cache->head_dim));
    return parallel(context, n * cache->kv_heads, work, 1, [=](int begin, int end) {
        for (int item = begin; item < end; item++) {
            int row = item / cache->kv_heads;
            int head = item % cache->kv_heads;
            int count = positions[row] + 1;
            float* scores =
                    Scratch::get<float>(Scratch::kScores, size_t(group) * size_t(count));
            if (scores == nullptr) {
                return GR_OUT_OF_MEMORY;
            }
            size_t at = size_t(row) * width + size_t(head) * size_t(group * cache->head_dim);
            context->kernels->attention(AttentionCall{
                    q + at,
                    keys + size_t(head) * size_t(cache->page_size) * head_bytes,
                    keys + side + size_t(head) * size_t(cache->page_size) * head_bytes,
                    page_bytes,
                    head_bytes,
                    half,
                    page_tables + table_offsets[sequences[row]],
                    cache->page_size,
                    count,
                    group,
                    cache->head_dim,
                    scale,
                    scores,
                    out + at});
        }
        return GR_OK;
    });
}
