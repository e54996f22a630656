// Attention of one query row and one key-value head, in three passes over its positions: scores,
// softmax, weighted sum of values. Positions are always taken in order from 0, so the result does
// not depend on what else is in the call. Included by simd_kernels.h.

// Positions that lie together in memory, page by page: body(first position, count, first cell).
template <class F>
INLINE void for_each_page(const AttentionCall& call, const uint8_t* cells, F&& body) {
    for (int p = 0; p < call.count; p += call.page_size) {
        int rest = call.count - p;
        const uint8_t* page = cells + size_t(call.pages[p / call.page_size]) * call.page_bytes;
        body(p, rest < call.page_size ? rest : call.page_size, page);
    }
}

// scores[h][p] = q[h] . key[p]: a matrix product whose weight rows are the keys.
template <int Type>
void score(const AttentionCall& call) {
    for (int h = 0; h < call.group; h += V::kTokens) {
        const float* q[V::kTokens];
        float* scores[V::kTokens];
        int heads = call.group - h < V::kTokens ? call.group - h : V::kTokens;
        for (int i = 0; i < heads; i++) {
            q[i] = call.q + size_t(h + i) * size_t(call.head_dim);
            scores[i] = call.scores + size_t(h + i) * size_t(call.count);
        }
        for_each_page(call, call.keys, [&](int first, int count, const uint8_t* cells) {
            all_rows<Type, 2, V::kTokens>(
                    cells, call.cell_bytes, first, first + count, q, heads, call.head_dim, scores);
        });
    }
}

// Turns scores into exp(scale * (score - highest)); answers their sum. Lane i of the sum takes
// positions i, i + width, ... in order.
float soften(float* scores, int count, float scale) {
    float highest = scores[0];
    for (int p = 1; p < count; p++) {
        highest = scores[p] > highest ? scores[p] : highest;
    }
    V::Reg scales = V::broadcast(scale);
    V::Reg top = V::broadcast(highest);
    V::Reg total = V::zero();
    int p = 0;
    for (; p + V::kWidth <= count; p += V::kWidth) {
        V::Reg weight = exp(V::mul(V::sub(V::load(scores + p), top), scales));
        V::store(scores + p, weight);
        total = V::add(total, weight);
    }
    if (p < count) {
        alignas(64) float rest[V::kWidth] = {};
        __builtin_memcpy(rest, scores + p, size_t(count - p) * 4);
        V::store(rest, exp(V::mul(V::sub(V::load(rest), top), scales)));
        for (int i = count - p; i < V::kWidth; i++) {
            rest[i] = 0;
        }
        __builtin_memcpy(scores + p, rest, size_t(count - p) * 4);
        total = V::add(total, V::load(rest));
    }
    return V::sum(total);
}

// How many positions ahead values are asked for: a page is short for the processor to catch on.
constexpr int kPrefetchCells = 8;

// out[h][d .. d + 32 G) = sum over p of weight[h][p] value[p] / total[h], for H heads from `head`.
// Each element is one chain of additions in the order of positions, whatever H and G are; many chains
// at a time hide their latency, and values are read in long pieces. The last 32 may be cut short.
template <int Type, int H, int G>
INLINE void weigh_tile(const AttentionCall& call, int head, int d, const float* totals) {
    constexpr size_t kElement = Type == kF16 ? 2 : 4;
    int width = call.head_dim - d < G * kGroup ? call.head_dim - d : G * kGroup;
    V::Reg sums[H][G][V::kRegs];
    for (int h = 0; h < H; h++) {
        for (int g = 0; g < G; g++) {
            for (int j = 0; j < V::kRegs; j++) {
                sums[h][g][j] = V::zero();
            }
        }
    }
    const float* weights = call.scores + size_t(head) * size_t(call.count);
    for_each_page(call, call.values, [&](int first, int count, const uint8_t* cells) {
        const uint8_t* cell = cells + size_t(d) * kElement;
        for (int i = 0; i < count; i++, cell += call.cell_bytes) {
            const uint8_t* later = cell + kPrefetchCells * call.cell_bytes;
            for (size_t at = 0; at < G * kGroup * kElement; at += 64) {
                _mm_prefetch(reinterpret_cast<const char*>(later + at), _MM_HINT_T0);
            }
            V::Reg weight[H];
            for (int h = 0; h < H; h++) {
                weight[h] =
                        V::broadcast(weights[size_t(h) * size_t(call.count) + size_t(first + i)]);
            }
            for (int g = 0; g < G; g++) {
                V::Reg value[V::kRegs];
                if (G > 1 || width == kGroup) {
                    RowReader<Type>{cell}.get(g, value);
                } else {
                    alignas(64) float padded[kGroup] = {};
                    dequantize_group(Type, cell, 0, width, padded);
                    RowReader<kF32>{reinterpret_cast<const uint8_t*>(padded)}.get(0, value);
                }
                for (int h = 0; h < H; h++) {
                    for (int j = 0; j < V::kRegs; j++) {
                        sums[h][g][j] = V::fma(weight[h], value[j], sums[h][g][j]);
                    }
                }
            }
        }
    });
    for (int h = 0; h < H; h++) {
        V::Reg total = V::broadcast(totals[head + h]);
        alignas(64) float result[G * kGroup];
        for (int g = 0; g < G; g++) {
            for (int j = 0; j < V::kRegs; j++) {
                V::store(result + g * kGroup + j * V::kWidth, V::div(sums[h][g][j], total));
            }
        }
        __builtin_memcpy(
                call.out + size_t(head + h) * size_t(call.head_dim) + d, result, size_t(width) * 4);
    }
}

// All of H heads, in tiles whose sums stay in registers.
template <int Type, int H>
INLINE void weigh_heads(const AttentionCall& call, int head, const float* totals) {
    constexpr int kMost = V::kSums / (V::kRegs * H);
    int d = 0;
    if constexpr (kMost >= 4) {
        for (; d + 4 * kGroup <= call.head_dim; d += 4 * kGroup) {
            weigh_tile<Type, H, 4>(call, head, d, totals);
        }
    }
    if constexpr (kMost >= 2) {
        for (; d + 2 * kGroup <= call.head_dim; d += 2 * kGroup) {
            weigh_tile<Type, H, 2>(call, head, d, totals);
        }
    }
    for (; d < call.head_dim; d += kGroup) {
        weigh_tile<Type, H, 1>(call, head, d, totals);
    }
}

template <int Type>
void weigh(const AttentionCall& call, const float* totals, int begin, int end) {
    int h = begin;
    if constexpr (V::kSums >= 8 * V::kRegs) {
        for (; h + 4 <= end; h += 4) {
            weigh_heads<Type, 4>(call, h, totals);
        }
    }
    for (; h + 2 <= end; h += 2) {
        weigh_heads<Type, 2>(call, h, totals);
    }
    for (; h < end; h++) {
        weigh_heads<Type, 1>(call, h, totals);
    }
}

template <int Type>
void attend(const AttentionCall& call) {
    score<Type>(call);
    // Totals of some heads at a time: a group may be larger than any array on the stack.
    constexpr int kHeads = 16;
    for (int begin = 0; begin < call.group; begin += kHeads) {
        int end = begin + kHeads < call.group ? begin + kHeads : call.group;
        float totals[kHeads];
        for (int h = begin; h < end; h++) {
            totals[h - begin] =
                    soften(call.scores + size_t(h) * size_t(call.count), call.count, call.scale);
        }
        weigh<Type>(call, totals - begin, begin, end);
    }
}

void attention(const AttentionCall& call) {
    if (call.half) {
        attend<kF16>(call);
    } else {
        attend<kF32>(call);
    }
}
