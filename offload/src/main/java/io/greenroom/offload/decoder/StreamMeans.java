package io.greenroom.offload.decoder;

import io.greenroom.offload.decoder.GateVariant.Base;

/**
 * By how much the residual stream changes on average from a layer to one ahead, over the tokens of
 * a calibration run: a vector per layer, base and distance. Stage 0 is the embedding, stage l + 1
 * the gate of layer l. Not thread-safe.
 *
 * <p>Changes are taken as shares of the stream's rms before them: some tokens, a text's first above
 * all, have streams many times larger than the others, and would be all that a plain mean shows.
 */
final class StreamMeans {

    private final int hidden;
    private final double[][][][] sums; // [bases][stages][farthest][hidden], made when used
    private final long[][][] tokens; // [bases][stages][farthest]

    StreamMeans(int layers, int farthest, int hidden) {
        this.hidden = hidden;
        sums = new double[Base.values().length][layers + 1][farthest][];
        tokens = new long[Base.values().length][layers + 1][farthest];
    }

    /** One token's stream was {@code before} at a stage and {@code after} some layers ahead. */
    void add(Base base, int stage, int ahead, float[] before, float[] after) {
        double[][] row = sums[base.ordinal()][stage];
        if (row[ahead - 1] == null) {
            row[ahead - 1] = new double[hidden];
        }
        double rms = rms(before);
        for (int i = 0; i < hidden; i++) {
            row[ahead - 1][i] += (after[i] - before[i]) / rms;
        }
        tokens[base.ordinal()][stage][ahead - 1]++;
    }

    /** Adds the mean change to a stream, if there is one. */
    void addTo(float[] stream, Base base, int stage, int ahead) {
        double[] sum = sums[base.ordinal()][stage][ahead - 1];
        if (sum != null) {
            double n = tokens[base.ordinal()][stage][ahead - 1];
            double scale = rms(stream) / n;
            for (int i = 0; i < hidden; i++) {
                stream[i] += (float) (scale * sum[i]);
            }
        }
    }

    private static double rms(float[] stream) {
        double squares = 0;
        for (float value : stream) {
            squares += (double) value * value;
        }
        return Math.sqrt(Math.max(squares / stream.length, Float.MIN_NORMAL));
    }
}
