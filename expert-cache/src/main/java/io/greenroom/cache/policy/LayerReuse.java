package io.greenroom.cache.policy;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Forecasts when each expert of one layer will be used again, and learns from every visit.
 *
 * <p>The forecast is a value from 0 to 1, the expected worth of the next use: 1 if the next visit
 * uses the expert, {@link ReuseModel#DISCOUNT} to the n if the one n visits later does. It is
 *
 * <pre>
 * value(e) = sigmoid( sum over features of weight * feature(e)
 *                     + sum over experts i in the last visit of amount(i) * after1[i, e]
 *                     + sum over experts i in the one before of amount(i) * after2[i, e] )
 * </pre>
 *
 * where an amount is the router's probability, scaled. Everything is learned online by temporal
 * differences (Sutton, "Learning to Predict by the Methods of Temporal Differences", 1988): at each
 * visit the value a visit earlier should have been 1 for an expert that is used, and the discounted
 * value now for the others.
 */
final class LayerReuse {

    /**
     * Step of the transition tables in the long run; amounts have a Euclidean norm of 2. The first
     * steps are four times as large, after 100 visits they are two and a half times as large.
     */
    private static final float TRANSITION_RATE = 0.02f;

    private static final float HASTE = 3;
    private static final float HASTE_VISITS = 100;

    private static final float AMOUNTS_NORM = 2;

    /** Tables are squares of the number of experts: beyond this they would be too large. */
    private static final int MOST_FOR_TRANSITIONS = 512;

    private static final float LEAST_PROBABILITY = 1e-4f;

    /** The experts a visit was about, and how much. */
    private static final class Inputs {
        int count;
        final int[] experts;
        final float[] amounts;

        Inputs(int most) {
            experts = new int[most];
            amounts = new float[most];
        }
    }

    private final ReuseModel model;
    private final int experts;
    private final int expertsPerToken;
    private final float[] value; // [experts]
    private final float[][] rates; // [RATES][experts]
    private float[][] features; // [FEATURES][experts], as of the last visit
    private float[][] spare; // the same, to be filled
    private final float[] after1; // [experts, experts]: from, to
    private final float[] after2;
    private final float[] probability; // [experts]
    private final boolean[] used; // [experts]
    private final float[] next; // [experts]: value at this visit
    private final float[] errors; // [experts]
    private final float[] gradient = new float[ReuseModel.FEATURES];
    private Inputs now;
    private Inputs last;
    private Inputs before;
    private Inputs oldest;
    private int learned; // visits
    private boolean mayLearn; // the last visit was of the kind that is learned from

    LayerReuse(ReuseModel model, CacheShape shape) {
        this.model = model;
        experts = shape.experts();
        expertsPerToken = shape.expertsPerToken();
        float even = (float) expertsPerToken / experts;
        value = new float[experts];
        Arrays.fill(value, even);
        rates = new float[ReuseModel.RATES][experts];
        for (float[] rate : rates) {
            Arrays.fill(rate, even);
        }
        features = new float[ReuseModel.FEATURES][experts];
        spare = new float[ReuseModel.FEATURES][experts];
        int table = experts <= MOST_FOR_TRANSITIONS ? experts * experts : 0;
        after1 = new float[table];
        after2 = new float[table];
        probability = new float[experts];
        used = new boolean[experts];
        next = new float[experts];
        errors = new float[experts];
        int most = Math.min(experts, 2 * expertsPerToken);
        now = new Inputs(most);
        last = new Inputs(most);
        before = new Inputs(most);
        oldest = new Inputs(most);
    }

    /** Expected worth of an expert's next use, from 0 to 1. */
    float value(int expert) {
        return value[expert];
    }

    /**
     * Begins with what is known from before: visits are forecast to go on as they did. Nothing is
     * learned from it.
     *
     * @param shares part of the visits that used an expert, from 0 to 1, {@code [experts]}
     */
    void expected(float[] shares) {
        for (float[] rate : rates) {
            System.arraycopy(shares, 0, rate, 0, experts);
        }
        Arrays.fill(probability, 0);
        describe();
        forecast();
        mayLearn = false;
        become();
    }

    /**
     * A visit of this layer.
     *
     * @param wanted the experts it uses
     * @param scores router probabilities summed over its rows, {@code [experts]}, or null
     */
    void visited(int[] wanted, float @Nullable [] scores) {
        Arrays.fill(used, false);
        for (int expert : wanted) {
            used[expert] = true;
        }
        turn();
        read(wanted, scores);
        // A prompt's chunk uses most experts, which says little about one token after another: it
        // sets the rates, by its scores, and is not learned from.
        boolean wide = 2 * wanted.length > experts;
        if (wide) {
            reseed(wanted.length, scores);
        } else {
            count();
        }
        describe();
        forecast();
        if (mayLearn && !wide) {
            learn();
        }
        mayLearn = !wide;
        become();
    }

    /** What was described and forecast is from now on what holds. */
    private void become() {
        System.arraycopy(next, 0, value, 0, experts);
        float[][] described = spare;
        spare = features;
        features = described;
    }

    private void turn() {
        Inputs free = oldest;
        oldest = before;
        before = last;
        last = now;
        now = free;
    }

    /** Keeps the experts with the highest scores; without scores, the ones used. */
    private void read(int[] wanted, float @Nullable [] scores) {
        now.count = 0;
        Arrays.fill(probability, 0);
        if (scores == null) {
            for (int i = 0; i < Math.min(wanted.length, now.experts.length); i++) {
                insert(wanted[i], 1f / expertsPerToken);
            }
        } else {
            for (int expert = 0; expert < experts; expert++) {
                if (scores[expert] > 0) {
                    insert(expert, scores[expert]);
                }
            }
        }
        float squares = 0;
        float sum = 0;
        for (int i = 0; i < now.count; i++) {
            squares += now.amounts[i] * now.amounts[i];
            sum += now.amounts[i];
        }
        float rows = Math.max(1, sum);
        float scale = (float) (AMOUNTS_NORM / Math.sqrt(Math.max(squares, 1e-12)));
        for (int i = 0; i < now.count; i++) {
            probability[now.experts[i]] = now.amounts[i] / rows;
            now.amounts[i] *= scale;
        }
    }

    private void insert(int expert, float amount) {
        int at = now.count;
        if (at == now.experts.length) {
            if (amount <= now.amounts[at - 1]) {
                return;
            }
            at--;
        } else {
            now.count++;
        }
        while (at > 0 && now.amounts[at - 1] < amount) {
            now.amounts[at] = now.amounts[at - 1];
            now.experts[at] = now.experts[at - 1];
            at--;
        }
        now.amounts[at] = amount;
        now.experts[at] = expert;
    }

    private void count() {
        for (int r = 0; r < rates.length; r++) {
            move(rates[r], decay(r, 1));
        }
    }

    private void move(float[] rate, float decay) {
        for (int expert = 0; expert < experts; expert++) {
            rate[expert] = rate[expert] * decay + (used[expert] ? 1 - decay : 0);
        }
    }

    private void reseed(int distinct, float @Nullable [] scores) {
        float sum = 0;
        for (int expert = 0; scores != null && expert < experts; expert++) {
            sum += scores[expert];
        }
        int rows = Math.max(Math.round(sum), Math.max(1, distinct / expertsPerToken));
        for (int r = 0; r < rates.length; r++) {
            float decay = decay(r, rows);
            for (int expert = 0; expert < experts; expert++) {
                float share =
                        scores != null && sum > 0
                                ? Math.min(1, expertsPerToken * scores[expert] / sum)
                                : used[expert] ? (float) expertsPerToken / distinct : 0;
                rates[r][expert] = rates[r][expert] * decay + (1 - decay) * share;
            }
        }
    }

    private static float decay(int rate, int visits) {
        return (float) Math.pow(0.5, (double) visits / ReuseModel.HALF_LIVES[rate]);
    }

    private void describe() {
        Arrays.fill(spare[0], 1);
        for (int r = 0; r < rates.length; r++) {
            float[] rate = rates[r];
            float[] feature = spare[1 + r];
            for (int expert = 0; expert < experts; expert++) {
                feature[expert] = ReuseModel.logOdds(rate[expert]);
            }
        }
        float[] feature = spare[1 + ReuseModel.RATES];
        for (int expert = 0; expert < experts; expert++) {
            feature[expert] = ReuseModel.log(probability[expert] + LEAST_PROBABILITY) + 3;
        }
    }

    private void forecast() {
        Arrays.fill(next, 0);
        for (int f = 0; f < ReuseModel.FEATURES; f++) {
            addScaled(next, spare[f], 0, model.weights[f]);
        }
        if (after1.length > 0) {
            for (int i = 0; i < now.count; i++) {
                addScaled(next, after1, now.experts[i] * experts, now.amounts[i]);
            }
            for (int i = 0; i < last.count; i++) {
                addScaled(next, after2, last.experts[i] * experts, last.amounts[i]);
            }
        }
        for (int expert = 0; expert < experts; expert++) {
            next[expert] = ReuseModel.sigmoid(next[expert]);
        }
    }

    private void learn() {
        for (int expert = 0; expert < experts; expert++) {
            float target = used[expert] ? 1 : ReuseModel.DISCOUNT * next[expert];
            errors[expert] = target - value[expert];
        }
        for (int f = 0; f < ReuseModel.FEATURES; f++) {
            float sum = 0;
            float[] feature = features[f];
            for (int expert = 0; expert < experts; expert++) {
                sum += errors[expert] * feature[expert];
            }
            gradient[f] = sum;
        }
        model.learn(gradient);
        if (after1.length > 0) {
            float rate = TRANSITION_RATE * (1 + HASTE * HASTE_VISITS / (HASTE_VISITS + learned));
            teach(after1, last, rate);
            teach(after2, before, rate);
            learned++;
        }
    }

    private void teach(float[] table, Inputs inputs, float rate) {
        for (int i = 0; i < inputs.count; i++) {
            addErrors(table, inputs.experts[i] * experts, rate * inputs.amounts[i]);
        }
    }

    private void addErrors(float[] table, int from, float scale) {
        for (int expert = 0; expert < experts; expert++) {
            table[from + expert] += scale * errors[expert];
        }
    }

    private static void addScaled(float[] sum, float[] table, int from, float scale) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += scale * table[from + i];
        }
    }
}
