package io.greenroom.offload.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The arithmetic of a decoder. All arrays of floats live in native memory.
 *
 * <p><b>Deterministic by row.</b> The result for one row of activations depends on that row only:
 * not on how many rows a call has, where the row stands among them, nor on the number of threads.
 * This is what makes batching, chunked prefill and the expert cache invisible in the output, and
 * every implementation must keep it bit for bit.
 *
 * <p>Calls return when the result is there. Implementations are safe for calls from several threads
 * on disjoint outputs. Arguments are checked before any native code runs; a bad one throws {@link
 * IllegalArgumentException} or {@link IndexOutOfBoundsException}.
 *
 * <p>{@code n} is always the number of leading rows that take part.
 */
public interface Kernels {

    /** A printable name of what runs: instruction set and threads. */
    String describe();

    /** {@code out[i] = table[tokens[i]]}, as floats. */
    void embed(WeightMatrix table, int[] tokens, int n, Activations out);

    /**
     * {@code out[i] = x[i] / sqrt(mean(x[i]^2) + epsilon) * weight}. Also used per head by seeing
     * {@code [n, heads * headDim]} as {@code [n * heads, headDim]}. {@code out} may be {@code x}.
     *
     * @param weight {@code [1, cols]}
     */
    void rmsNorm(Activations x, int n, Activations weight, float epsilon, Activations out);

    /**
     * {@code out[i] = w x[i] + bias}.
     *
     * @param w {@code [outCols, inCols]}
     * @param x {@code [n, inCols]}
     * @param bias {@code [1, outCols]} or null
     * @param out {@code [n, outCols]}; must not overlap {@code x}
     */
    void matmul(WeightMatrix w, Activations x, int n, @Nullable Activations bias, Activations out);

    /** Clamps every element of the first n rows to {@code [-limit, limit]}. */
    void clamp(Activations x, int n, float limit);

    /** {@code x[i] += y[i]}. */
    void add(Activations x, Activations y, int n);

    /**
     * Rotary position embedding, in place.
     *
     * @param x {@code [n, heads * headDim]}
     * @param positions position of each row in its sequence
     * @param table {@code [contextLength, headDim]}: per position {@code headDim / 2} cosines, then
     *     {@code headDim / 2} sines
     * @param adjacent true to pair elements 2i and 2i + 1, false for i and i + headDim / 2
     */
    void rope(
            Activations x,
            int n,
            int heads,
            int headDim,
            int[] positions,
            Activations table,
            boolean adjacent);

    /**
     * Writes keys and values of new tokens into the paged cache of one layer.
     *
     * @param k {@code [n, kvHeads * headDim]}, rotated
     * @param v {@code [n, kvHeads * headDim]}
     * @param cells for each row the index of its cell in the cache ({@code page * pageSize +
     *     offset})
     */
    void storeKv(KvPages cache, int layer, Activations k, Activations v, int n, int[] cells);

    /**
     * Causal attention with grouped queries over the paged cache: row i attends to positions 0 to
     * {@code positions[i]} of its sequence, softmax scaled by {@code 1 / sqrt(headDim)}.
     *
     * @param q {@code [n, heads * headDim]}, rotated
     * @param sequences for each row the index of its page table in {@code pageTables}
     * @param pageTables page indices of each sequence, in order of position
     * @param out {@code [n, heads * headDim]}
     */
    void attention(
            KvPages cache,
            int layer,
            Activations q,
            int n,
            int heads,
            int[] positions,
            int[] sequences,
            int[][] pageTables,
            Activations out);

    /**
     * A gated feed-forward block for some rows: {@code out[outRows[i]] = down (silu(gate x[r]) *
     * (up x[r]))} with {@code r = rows[i]}. One call per expert and batch.
     *
     * @param gate {@code [inner, hidden]}
     * @param up {@code [inner, hidden]}
     * @param down {@code [hidden, inner]}
     * @param x {@code [*, hidden]}
     * @param rows rows of {@code x} to read
     * @param outRows rows of {@code out} to overwrite, distinct
     * @param n how many entries of {@code rows} and {@code outRows} take part
     * @param out {@code [*, hidden]}
     */
    void feedForward(
            WeightMatrix gate,
            WeightMatrix up,
            WeightMatrix down,
            Activations x,
            int[] rows,
            int[] outRows,
            int n,
            Activations out);

    /**
     * Sums the experts' outputs in router order into the residual stream: {@code x[t] += sum over
     * rank of weights[t * k + rank] * partial[t * k + rank]}, the sum formed first, from rank 0 up.
     *
     * @param partial {@code [n * k, hidden]}
     * @param weights {@code [n * k]}
     */
    void combine(Activations x, Activations partial, float[] weights, int n, int k);

    /**
     * Adds the shared expert with its own gate: {@code x[t] += sigmoid(gate[t]) * shared[t]}.
     *
     * @param shared {@code [n, hidden]}
     * @param gate {@code [n, 1]} logits
     */
    void addGated(Activations x, Activations shared, Activations gate, int n);

    /**
     * Copies the first n rows out of native memory. {@code into} has at least n * cols elements.
     */
    void read(Activations x, int n, float[] into);

    /** Copies floats into the first n rows. */
    void write(float[] from, int n, Activations x);
}
