// Operations on single elements. They cost next to nothing beside the matrices, so one portable
// version serves every instruction set, without contraction: the same bits everywhere.

#include <cmath>

#include "context.h"
#include "half.h"

using greenroom::parallel;

namespace {

bool bad(const gr_context* context, int32_t n, int32_t cols) {
    return context == nullptr || n < 0 || cols < 0;
}

}  // namespace

gr_status gr_clamp(gr_context* context, float* x, int32_t n, int32_t cols, float limit) {
    if (bad(context, n, cols) || x == nullptr || !(limit >= 0)) {
        return GR_BAD_ARGUMENT;
    }
    return parallel(context, n, cols, 1, [=](int begin, int end) {
        for (size_t i = size_t(begin) * size_t(cols); i < size_t(end) * size_t(cols); i++) {
            x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
        }
        return GR_OK;
    });
}

gr_status gr_add(gr_context* context, float* x, const float* y, int32_t n, int32_t cols) {
    if (bad(context, n, cols) || x == nullptr || y == nullptr) {
        return GR_BAD_ARGUMENT;
    }
    return parallel(context, n, cols, 1, [=](int begin, int end) {
        for (size_t i = size_t(begin) * size_t(cols); i < size_t(end) * size_t(cols); i++) {
            x[i] += y[i];
        }
        return GR_OK;
    });
}

gr_status gr_rope(
        gr_context* context,
        float* x,
        int32_t n,
        int32_t heads,
        int32_t head_dim,
        const int32_t* positions,
        const float* table,
        int32_t adjacent) {
    if (bad(context, n, heads) || x == nullptr || positions == nullptr || table == nullptr ||
        head_dim <= 0 || head_dim % 2 != 0) {
        return GR_BAD_ARGUMENT;
    }
    int32_t pairs = head_dim / 2;
    size_t width = size_t(heads) * size_t(head_dim);
    return parallel(context, n, int64_t(width), 1, [=](int begin, int end) {
        for (int i = begin; i < end; i++) {
            const float* cosines = table + size_t(positions[i]) * size_t(head_dim);
            const float* sines = cosines + pairs;
            for (float* head = x + size_t(i) * width; head < x + size_t(i + 1) * width;
                 head += head_dim) {
                for (int j = 0; j < pairs; j++) {
                    float* first = adjacent ? head + 2 * j : head + j;
                    float* second = adjacent ? first + 1 : first + pairs;
                    float a = *first;
                    float b = *second;
                    *first = a * cosines[j] - b * sines[j];
                    *second = b * cosines[j] + a * sines[j];
                }
            }
        }
        return GR_OK;
    });
}

gr_status gr_combine(
        gr_context* context,
        float* x,
        const float* partial,
        const float* weights,
        int32_t n,
        int32_t k,
        int32_t cols) {
    if (bad(context, n, cols) || k < 1 || x == nullptr || partial == nullptr ||
        weights == nullptr) {
        return GR_BAD_ARGUMENT;
    }
    return parallel(context, n, int64_t(k) * cols, 1, [=](int begin, int end) {
        for (size_t t = size_t(begin); t < size_t(end); t++) {
            const float* parts = partial + t * size_t(k) * size_t(cols);
            const float* w = weights + t * size_t(k);
            float* row = x + t * size_t(cols);
            for (size_t c = 0; c < size_t(cols); c++) {
                float sum = w[0] * parts[c];
                for (size_t rank = 1; rank < size_t(k); rank++) {
                    sum += w[rank] * parts[rank * size_t(cols) + c];
                }
                row[c] += sum;
            }
        }
        return GR_OK;
    });
}

gr_status gr_add_gated(
        gr_context* context,
        float* x,
        const float* shared,
        const float* gate,
        int32_t n,
        int32_t cols) {
    if (bad(context, n, cols) || x == nullptr || shared == nullptr || gate == nullptr) {
        return GR_BAD_ARGUMENT;
    }
    return parallel(context, n, cols, 1, [=](int begin, int end) {
        for (size_t t = size_t(begin); t < size_t(end); t++) {
            float share = 1.0f / (1.0f + std::exp(-gate[t]));
            for (size_t c = t * size_t(cols); c < (t + 1) * size_t(cols); c++) {
                x[c] += share * shared[c];
            }
        }
        return GR_OK;
    });
}

gr_status gr_store_kv(
        gr_context* context,
        const gr_kv_cache* cache,
        int32_t layer,
        const float* k,
        const float* v,
        int32_t n,
        const int32_t* cells) {
    if (context == nullptr || cache == nullptr || cache->data == nullptr || k == nullptr ||
        v == nullptr || cells == nullptr || n < 0 || layer < 0 || layer >= cache->layers ||
        cache->kv_heads < 1 || cache->head_dim < 1 || cache->page_size < 1 ||
        (cache->type != GR_F32 && cache->type != GR_F16)) {
        return GR_BAD_ARGUMENT;
    }
    size_t kv_heads = size_t(cache->kv_heads);
    size_t head_dim = size_t(cache->head_dim);
    size_t page_size = size_t(cache->page_size);
    size_t width = kv_heads * head_dim;
    size_t side = size_t(cache->pages) * page_size * width;
    size_t element = cache->type == GR_F16 ? 2 : 4;
    uint8_t* keys = static_cast<uint8_t*>(cache->data) + size_t(layer) * 2 * side * element;
    bool half = cache->type == GR_F16;
    return parallel(context, n, int64_t(width) * 2, 1, [=](int begin, int end) {
        for (int i = begin; i < end; i++) {
            size_t page = size_t(cells[i]) / page_size;
            size_t cell = size_t(cells[i]) % page_size;
            for (int which = 0; which < 2; which++) {
                const float* from = (which == 0 ? k : v) + size_t(i) * width;
                size_t at = size_t(which) * side + page * page_size * width + cell * head_dim;
                for (size_t head = 0; head < kv_heads; head++) {
                    if (half) {
                        uint16_t* to = reinterpret_cast<uint16_t*>(keys) + at;
                        for (size_t d = 0; d < head_dim; d++) {
                            to[d] = greenroom::float_to_half(from[d]);
                        }
                    } else {
                        std::memcpy(keys + at * 4, from, head_dim * 4);
                    }
                    from += head_dim;
                    at += page_size * head_dim;
                }
            }
        }
        return GR_OK;
    });
}
