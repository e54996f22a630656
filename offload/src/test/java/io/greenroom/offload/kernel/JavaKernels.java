package io.greenroom.offload.kernel;

import io.greenroom.offload.memory.NativeMemory;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The kernels in plain Java, as their documentation defines them: sums in doubles, one loop after
 * the other, F32 weights and caches only. The twin of the native ones over a whole forward pass.
 */
public class JavaKernels implements Kernels {

    @Override
    public String describe() {
        return "Java reference";
    }

    @Override
    public void embed(WeightMatrix table, int[] tokens, int n, Activations out) {
        FloatBuffer from = floats(table);
        FloatBuffer to = floats(out);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < table.cols(); j++) {
                to.put(i * out.cols() + j, from.get(tokens[i] * table.cols() + j));
            }
        }
    }

    @Override
    public void rmsNorm(Activations x, int n, Activations weight, float epsilon, Activations out) {
        FloatBuffer from = floats(x);
        FloatBuffer scale = floats(weight);
        FloatBuffer to = floats(out);
        int cols = x.cols();
        for (int i = 0; i < n; i++) {
            double squares = 0;
            for (int j = 0; j < cols; j++) {
                squares += square(from.get(i * cols + j));
            }
            double factor = 1 / Math.sqrt(squares / cols + epsilon);
            for (int j = 0; j < cols; j++) {
                to.put(i * cols + j, (float) (from.get(i * cols + j) * factor * scale.get(j)));
            }
        }
    }

    @Override
    public void matmul(
            WeightMatrix w, Activations x, int n, @Nullable Activations bias, Activations out) {
        FloatBuffer weights = floats(w);
        FloatBuffer from = floats(x);
        FloatBuffer to = floats(out);
        for (int i = 0; i < n; i++) {
            for (int row = 0; row < w.rows(); row++) {
                double sum = bias == null ? 0 : floats(bias).get(row);
                for (int j = 0; j < w.cols(); j++) {
                    sum += (double) weights.get(row * w.cols() + j) * from.get(i * x.cols() + j);
                }
                to.put(i * out.cols() + row, (float) sum);
            }
        }
    }

    @Override
    public void clamp(Activations x, int n, float limit) {
        FloatBuffer values = floats(x);
        for (int i = 0; i < n * x.cols(); i++) {
            values.put(i, Math.max(-limit, Math.min(limit, values.get(i))));
        }
    }

    @Override
    public void add(Activations x, Activations y, int n) {
        FloatBuffer to = floats(x);
        FloatBuffer from = floats(y);
        for (int i = 0; i < n * x.cols(); i++) {
            to.put(i, to.get(i) + from.get(i));
        }
    }

    @Override
    public void rope(
            Activations x,
            int n,
            int heads,
            int headDim,
            int[] positions,
            Activations table,
            boolean adjacent) {
        FloatBuffer values = floats(x);
        FloatBuffer rotations = floats(table);
        int half = headDim / 2;
        for (int i = 0; i < n; i++) {
            for (int head = 0; head < heads; head++) {
                int base = i * x.cols() + head * headDim;
                for (int j = 0; j < half; j++) {
                    int a = base + (adjacent ? 2 * j : j);
                    int b = base + (adjacent ? 2 * j + 1 : j + half);
                    float cos = rotations.get(positions[i] * headDim + j);
                    float sin = rotations.get(positions[i] * headDim + half + j);
                    float va = values.get(a);
                    float vb = values.get(b);
                    values.put(a, va * cos - vb * sin);
                    values.put(b, vb * cos + va * sin);
                }
            }
        }
    }

    @Override
    public void storeKv(
            KvPages cache, int layer, Activations k, Activations v, int n, int[] cells) {
        FloatBuffer to = floats(cache);
        FloatBuffer keys = floats(k);
        FloatBuffer values = floats(v);
        int width = cache.kvHeads() * cache.headDim();
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < width; j++) {
                int head = j / cache.headDim();
                int at = j % cache.headDim();
                to.put(cell(cache, layer, 0, cells[i], head) + at, keys.get(i * width + j));
                to.put(cell(cache, layer, 1, cells[i], head) + at, values.get(i * width + j));
            }
        }
    }

    @Override
    public void attention(
            KvPages cache,
            int layer,
            Activations q,
            int n,
            int heads,
            int[] positions,
            int[] sequences,
            int[][] pageTables,
            Activations out) {
        for (int i = 0; i < n; i++) {
            for (int head = 0; head < heads; head++) {
                attend(
                        cache,
                        layer,
                        q,
                        i,
                        head,
                        heads,
                        positions[i],
                        pageTables[sequences[i]],
                        out);
            }
        }
    }

    private static void attend(
            KvPages cache,
            int layer,
            Activations q,
            int row,
            int head,
            int heads,
            int position,
            int[] pages,
            Activations out) {
        FloatBuffer cells = floats(cache);
        FloatBuffer queries = floats(q);
        FloatBuffer to = floats(out);
        int dim = cache.headDim();
        int kvHead = head / (heads / cache.kvHeads());
        int queryOffset = row * q.cols() + head * dim;
        double[] scores = new double[position + 1];
        double max = Double.NEGATIVE_INFINITY;
        for (int p = 0; p <= position; p++) {
            int key = cell(cache, layer, 0, cellOf(cache, pages, p), kvHead);
            double dot = 0;
            for (int j = 0; j < dim; j++) {
                dot += (double) queries.get(queryOffset + j) * cells.get(key + j);
            }
            scores[p] = dot / Math.sqrt(dim);
            max = Math.max(max, scores[p]);
        }
        double sum = 0;
        for (int p = 0; p <= position; p++) {
            scores[p] = Math.exp(scores[p] - max);
            sum += scores[p];
        }
        for (int j = 0; j < dim; j++) {
            double value = 0;
            for (int p = 0; p <= position; p++) {
                int at = cell(cache, layer, 1, cellOf(cache, pages, p), kvHead);
                value += scores[p] / sum * cells.get(at + j);
            }
            to.put(row * out.cols() + head * dim + j, (float) value);
        }
    }

    @Override
    public void feedForward(
            WeightMatrix gate,
            WeightMatrix up,
            WeightMatrix down,
            Activations x,
            int[] rows,
            int[] outRows,
            int n,
            Activations out) {
        FloatBuffer from = floats(x);
        FloatBuffer to = floats(out);
        FloatBuffer gates = floats(gate);
        FloatBuffer ups = floats(up);
        FloatBuffer downs = floats(down);
        int hidden = gate.cols();
        int inner = gate.rows();
        float[] activated = new float[inner];
        for (int i = 0; i < n; i++) {
            for (int row = 0; row < inner; row++) {
                double g = 0;
                double u = 0;
                for (int j = 0; j < hidden; j++) {
                    double value = from.get(rows[i] * hidden + j);
                    g += gates.get(row * hidden + j) * value;
                    u += ups.get(row * hidden + j) * value;
                }
                activated[row] = (float) (g / (1 + Math.exp(-g)) * u);
            }
            for (int row = 0; row < hidden; row++) {
                double sum = 0;
                for (int j = 0; j < inner; j++) {
                    sum += (double) downs.get(row * inner + j) * activated[j];
                }
                to.put(outRows[i] * hidden + row, (float) sum);
            }
        }
    }

    @Override
    public void combine(Activations x, Activations partial, float[] weights, int n, int k) {
        FloatBuffer to = floats(x);
        FloatBuffer from = floats(partial);
        int cols = x.cols();
        for (int t = 0; t < n; t++) {
            for (int j = 0; j < cols; j++) {
                float sum = 0;
                for (int rank = 0; rank < k; rank++) {
                    sum += weights[t * k + rank] * from.get((t * k + rank) * cols + j);
                }
                to.put(t * cols + j, to.get(t * cols + j) + sum);
            }
        }
    }

    @Override
    public void addGated(Activations x, Activations shared, Activations gate, int n) {
        FloatBuffer to = floats(x);
        FloatBuffer from = floats(shared);
        FloatBuffer gates = floats(gate);
        int cols = x.cols();
        for (int t = 0; t < n; t++) {
            double share = 1 / (1 + Math.exp(-gates.get(t)));
            for (int j = 0; j < cols; j++) {
                int at = t * cols + j;
                to.put(at, (float) (to.get(at) + share * from.get(at)));
            }
        }
    }

    @Override
    public void read(Activations x, int n, float[] into) {
        floats(x).get(0, into, 0, n * x.cols());
    }

    @Override
    public void write(float[] from, int n, Activations x) {
        floats(x).put(0, from, 0, n * x.cols());
    }

    private static double square(double value) {
        return value * value;
    }

    private static int cellOf(KvPages cache, int[] pages, int position) {
        return pages[position / cache.pageSize()] * cache.pageSize() + position % cache.pageSize();
    }

    private static int cell(KvPages cache, int layer, int keyOrValue, int cell, int head) {
        int page = (layer * 2 + keyOrValue) * cache.pages() + cell / cache.pageSize();
        int row = (page * cache.kvHeads() + head) * cache.pageSize() + cell % cache.pageSize();
        return row * cache.headDim();
    }

    private static FloatBuffer floats(WeightMatrix matrix) {
        if (matrix.type() != TensorType.F32) {
            throw new IllegalArgumentException("The Java kernels know F32, not " + matrix.type());
        }
        return floats(matrix.memory(), matrix.offset(), (long) matrix.rows() * matrix.cols());
    }

    private static FloatBuffer floats(Activations x) {
        return floats(x.memory(), x.offset(), (long) x.rows() * x.cols());
    }

    private static FloatBuffer floats(KvPages cache) {
        if (cache.type() != KvPages.Type.F32) {
            throw new IllegalArgumentException("The Java kernels know F32, not " + cache.type());
        }
        return floats(cache.memory(), 0, cache.memory().bytes() / Float.BYTES);
    }

    private static FloatBuffer floats(NativeMemory memory, long offset, long count) {
        return memory.buffer(offset, Math.toIntExact(count * Float.BYTES)).asFloatBuffer();
    }
}
