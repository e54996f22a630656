/*
 * The native border of Greenroom: decoder arithmetic over weights and activations in native memory.
 *
 * A plain C interface: the JNI file translates to it and the native tests call it, so every kernel
 * runs without a JVM. Nothing here throws, aborts or prints; each call answers with a gr_status.
 *
 * DETERMINISTIC BY ROW. Within one instruction set the result for one row of activations depends on
 * that row only: not on n, not on the row's place, not on the number of threads. Every kernel keeps
 * one order of accumulation per (weight row, token) and only ever splits work between such pairs.
 *
 * SHAPES. All matrices are row-major without gaps. n is the number of leading rows that take part.
 * Weight matrices are [rows, cols] = [output features, input features] in ggml's block layouts and
 * need no alignment. Activations are float32, aligned to 4 bytes.
 *
 * THREADS. A context may be used by several threads at once on disjoint outputs. Its pool serves
 * one call at a time; a call that finds the pool busy runs on its own thread, with equal results.
 */
#ifndef GREENROOM_H
#define GREENROOM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Raised by one with every change that an older caller would misread. */
#define GR_ABI_VERSION 2

typedef enum gr_status {
    GR_OK = 0,
    /** Null, negative or inconsistent arguments: the caller's checks have a hole. */
    GR_BAD_ARGUMENT = 1,
    /** The operating system refused memory. */
    GR_OUT_OF_MEMORY = 2,
    /** The processor or its operating system lacks the instruction set asked for. */
    GR_UNSUPPORTED_ISA = 3,
    /** A worker thread could not be started. */
    GR_NO_THREADS = 4
} gr_status;

typedef enum gr_isa {
    GR_ISA_SCALAR = 0,
    /** AVX2, FMA and F16C: Intel since Haswell, AMD since Zen. */
    GR_ISA_AVX2 = 1,
    /** AVX-512 F, BW, VL and DQ: Intel since Skylake-X, AMD since Zen 4. */
    GR_ISA_AVX512 = 2
} gr_isa;

typedef enum gr_precision {
    /** Activations stay float32: the exact mode. */
    GR_FLOAT32 = 0,
    /** Q8_0 and Q4_0 weights meet activations rounded to 8 bits per block of 32. */
    GR_INT8 = 1
} gr_precision;

/** Element types, with ggml's numbers; those of our own begin at 1000. */
typedef enum gr_type {
    GR_F32 = 0,
    GR_F16 = 1,
    GR_Q4_0 = 2,
    GR_Q8_0 = 8,
    GR_Q4_K = 12,
    GR_Q5_K = 13,
    GR_Q6_K = 14,
    GR_BF16 = 30,
    GR_Q2_G32 = 1000
} gr_type;

/** A weight matrix; cols is a whole number of blocks of its type. */
typedef struct gr_matrix {
    const void* data; /* [rows, cols] */
    int32_t type;     /* a gr_type */
    int32_t rows;
    int32_t cols;
} gr_matrix;

/** A paged cache of keys and values. */
typedef struct gr_kv_cache {
    void* data;   /* [layers][2 (k, v)][pages][kv_heads][page_size][head_dim] */
    int32_t type; /* GR_F32 or GR_F16 */
    int32_t layers;
    int32_t pages;
    int32_t page_size;
    int32_t kv_heads;
    int32_t head_dim;
} gr_kv_cache;

typedef struct gr_context gr_context;

int32_t gr_abi_version(void);

/** Bit (1 << gr_isa) is set for each instruction set this build and this processor both have. */
uint32_t gr_isa_available(void);

/** Non-zero if the int8 dot products of an instruction set run on VNNI instructions here. */
int32_t gr_isa_has_vnni(int32_t isa);

/** threads counts the calling one: 1 starts none. */
gr_status gr_context_create(int32_t threads, int32_t isa, int32_t precision, gr_context** context);

/** Joins the workers. No call may be running. */
void gr_context_destroy(gr_context* context);

/** out[i] = table[tokens[i]], as floats. */
gr_status gr_embed(
        gr_context* context, const gr_matrix* table, const int32_t* tokens, int32_t n, float* out);

/** out[i] = x[i] / sqrt(mean(x[i]^2) + epsilon) * weight; out may be x. weight is [cols]. */
gr_status gr_rms_norm(
        gr_context* context,
        const float* x,
        int32_t n,
        int32_t cols,
        const float* weight,
        float epsilon,
        float* out);

/** out[i] = w x[i] + bias. x is [n, w.cols], out [n, w.rows], bias [w.rows] or null. */
gr_status gr_matmul(
        gr_context* context,
        const gr_matrix* w,
        const float* x,
        int32_t n,
        const float* bias,
        float* out);

/** x[i] = min(max(x[i], -limit), limit); a NaN stays. */
gr_status gr_clamp(gr_context* context, float* x, int32_t n, int32_t cols, float limit);

/** x[i] += y[i]. */
gr_status gr_add(gr_context* context, float* x, const float* y, int32_t n, int32_t cols);

/**
 * Rotates pairs of x [n, heads * head_dim] in place: (a, b) becomes (a cos - b sin, b cos + a sin).
 * table is [*, head_dim]: per position head_dim / 2 cosines, then head_dim / 2 sines. Pair i is
 * (2i, 2i + 1) if adjacent, else (i, i + head_dim / 2).
 */
gr_status gr_rope(
        gr_context* context,
        float* x,
        int32_t n,
        int32_t heads,
        int32_t head_dim,
        const int32_t* positions,
        const float* table,
        int32_t adjacent);

/** Writes row i of k and v, each [n, kv_heads * head_dim], to cell cells[i] of a layer. */
gr_status gr_store_kv(
        gr_context* context,
        const gr_kv_cache* cache,
        int32_t layer,
        const float* k,
        const float* v,
        int32_t n,
        const int32_t* cells);

/**
 * Causal attention with grouped queries: row i of q [n, heads * head_dim] attends to positions 0 to
 * positions[i] of its sequence, softmax of scores times 1 / sqrt(head_dim). The pages of sequence s
 * are page_tables[table_offsets[s]] and on, in order of position.
 */
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
        float* out);

/**
 * out[out_rows[i]] = down (silu(gate x[rows[i]]) * (up x[rows[i]])), silu(z) = z / (1 + exp(-z)).
 * gate and up are [inner, hidden], down is [hidden, inner], x and out [*, hidden].
 */
gr_status gr_feed_forward(
        gr_context* context,
        const gr_matrix* gate,
        const gr_matrix* up,
        const gr_matrix* down,
        const float* x,
        const int32_t* rows,
        const int32_t* out_rows,
        int32_t n,
        float* out);

/** x[t] += sum over r of weights[t k + r] partial[t k + r]; the sum is formed first, r upwards. */
gr_status gr_combine(
        gr_context* context,
        float* x,
        const float* partial,
        const float* weights,
        int32_t n,
        int32_t k,
        int32_t cols);

/** x[t] += shared[t] / (1 + exp(-gate[t])). */
gr_status gr_add_gated(
        gr_context* context,
        float* x,
        const float* shared,
        const float* gate,
        int32_t n,
        int32_t cols);

/** What gr_memory_map gave; hand it to gr_memory_unmap unchanged. */
typedef struct gr_mapping {
    void* address;
    size_t bytes;
} gr_mapping;

/**
 * Anonymous zeroed memory. alignment is a power of two; bytes is rounded up to whole pages.
 * huge asks the system for huge pages, which it may ignore.
 */
gr_status gr_memory_map(size_t bytes, size_t alignment, int32_t huge, gr_mapping* mapping);

void gr_memory_unmap(gr_mapping mapping);

/**
 * Address space for anonymous zeroed memory, of which no more is promised than what is written to:
 * it may be larger than the machine. Small pages, unless gr_memory_huge says otherwise for a range.
 * Ends with gr_memory_unmap.
 */
gr_status gr_memory_reserve(size_t bytes, size_t alignment, gr_mapping* mapping);

/** Asks for huge pages in a range; both ends are multiples of 2 MiB. The system may ignore it. */
void gr_memory_huge(void* address, size_t bytes);

/**
 * Gives the pages of a range back to the system; they are zero when next touched. address is a
 * multiple of the page size, and nobody uses the range meanwhile.
 */
gr_status gr_memory_discard(void* address, size_t bytes);

/** Sets every byte of a range. */
void gr_memory_fill(void* address, size_t bytes, int32_t value);

#ifdef __cplusplus
}
#endif

#endif
