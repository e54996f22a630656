package io.greenroom.gating.predict;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;

/**
 * Finds out whether prefetch pays by doing without it now and then: this is the "auto" of the
 * prefetch setting. Pure logic without a clock; thread-safe.
 *
 * <pre>
 * DEFINITION  pair     two decoding steps in a row, one with prefetch and one without, in turning order
 *             m        experts a step would have had to wait for without prefetch
 *             s        time per such expert: median slope between steps of the same kind (Sen,
 *                      "Estimates of the Regression Coefficient Based on Kendall's Tau", 1968)
 *             gain     (t_off - t_on) - s (m_off - m_on)
 *             judged   by the median of the last gains, and the order statistics that enclose it
 * </pre>
 *
 * <p>The step's whole time is compared, so what prefetch itself computes, and what its reads take
 * from demand or from the cores, counts against it. How much a step must read varies far more than
 * what prefetch saves; the correction by {@code m} takes most of that out. The median does not mind
 * the steps in which something else happened to the machine.
 *
 * <p>A trial is made of pairs until the answer is clear, or no gain has shown. While prefetch is
 * on, a pair is made now and then, so that a change is noticed. While it is off there is a pause,
 * counted in steps and doubled after each failed trial, then another trial.
 */
public final class PrefetchAudit {

    /**
     * How much evidence is wanted.
     *
     * @param fewestPairs before anything is judged
     * @param mostPairs that are looked at, the latest; after so many a trial ends
     * @param spacing while on, one step in so many is done without prefetch
     * @param pause steps before the first new trial
     * @param longestPause to which pauses double
     * @param leastGain share of a step's time that a trial without a clear answer must have shown
     */
    public record Evidence(
            int fewestPairs,
            int mostPairs,
            int spacing,
            int pause,
            int longestPause,
            double leastGain) {

        /**
         * A trial of at most 128 steps. If prefetch costs 5 % of a step, the first trials cost less
         * than 1 % and later ones far less; while it is on, one step in 16 goes without.
         */
        public static final Evidence DEFAULT = new Evidence(12, 64, 16, 256, 8192, 0.005);

        public Evidence {
            if (fewestPairs < 4
                    || mostPairs < fewestPairs
                    || spacing < 2
                    || pause < 1
                    || longestPause < pause
                    || !(leastGain >= 0)) {
                throw new IllegalArgumentException(
                        "An audit needs at least 4 pairs, no fewer at most, a spacing of at least"
                                + " 2, pauses of at least 1 and a gain of at least 0, got "
                                + fewestPairs
                                + ", "
                                + mostPairs
                                + ", "
                                + spacing
                                + ", "
                                + pause
                                + " to "
                                + longestPause
                                + " and "
                                + leastGain);
            }
        }
    }

    /**
     * One decoding step.
     *
     * @param nanos how long it took
     * @param needed experts that were not resident but for prefetch
     * @param rows requests in it; only steps with as many are compared
     */
    public record Step(long nanos, long needed, int rows) {}

    private enum State {
        TRIAL,
        ON,
        OFF
    }

    /** One-sided 95 %: a wrong answer costs little and is put right by the pairs that follow. */
    private static final double QUANTILE = 1.64;

    /** Steps are compared with so many of their kind before them. */
    private static final int LAGS = 4;

    private final Evidence evidence;
    private final double[][] times = new double[2][]; // [off, on][pairs]
    private final double[][] needs = new double[2][];
    private int pairs; // all of this trial and what followed; the arrays are a ring
    private State state = State.TRIAL;
    private int pause;
    private long left; // of a pause, or until the next pair while on
    private boolean inPair;
    private boolean firstIsOn = true;
    private boolean secondDue;
    private Step first = new Step(0, 0, 0);
    private String reason = "on trial: not judged yet";
    private double gain;

    public PrefetchAudit(Evidence evidence) {
        this.evidence = evidence;
        this.pause = evidence.pause();
        for (int arm = 0; arm < 2; arm++) {
            times[arm] = new double[evidence.mostPairs()];
            needs[arm] = new double[evidence.mostPairs()];
        }
        inPair = true;
    }

    /** Whether the next decoding step should prefetch. */
    public synchronized boolean next() {
        if (inPair) {
            return secondDue != firstIsOn;
        }
        return state == State.ON;
    }

    /** Whether the last word was that it pays, or might. */
    public synchronized boolean isOn() {
        return state != State.OFF;
    }

    /** The word and the numbers behind it; for operators. */
    public synchronized String reason() {
        return reason;
    }

    /** Share of a step's time that prefetch saved when last judged; below 0 if it cost time. */
    public synchronized double gain() {
        return gain;
    }

    /** A step was done as {@link #next} said. */
    public synchronized void step(Step step) {
        if (!inPair) {
            if (--left <= 0) {
                inPair = true;
                if (state == State.OFF) {
                    state = State.TRIAL;
                    pairs = 0;
                    reason = "on trial again; was " + reason;
                }
            }
            return;
        }
        if (!secondDue) {
            first = step;
            secondDue = true;
            return;
        }
        secondDue = false;
        if (step.rows() == first.rows()) {
            add(firstIsOn ? step : first, firstIsOn ? first : step);
            firstIsOn = !firstIsOn;
            judge();
        }
        inPair = state == State.TRIAL;
        if (state == State.ON) {
            left = Math.max(1, evidence.spacing() - 2);
        }
    }

    /** What came between two steps (a prompt, a pause) makes them no pair. */
    public synchronized void interrupted() {
        secondDue = false;
    }

    /** What made prefetch useless may be over: a pause ends with the next step. */
    public synchronized void tryAgain() {
        if (state == State.OFF) {
            left = 1;
            pause = evidence.pause();
        }
    }

    private void add(Step off, Step on) {
        int at = pairs++ % evidence.mostPairs();
        times[0][at] = off.nanos();
        times[1][at] = on.nanos();
        needs[0][at] = off.needed();
        needs[1][at] = on.needed();
    }

    private void judge() {
        int n = Math.min(pairs, evidence.mostPairs());
        if (n < evidence.fewestPairs() || (pairs & 3) != 0) {
            return;
        }
        double slope = slope(n);
        double[] gains = new double[n];
        for (int i = 0; i < n; i++) {
            gains[i] = times[0][i] - times[1][i] - slope * (needs[0][i] - needs[1][i]);
        }
        Arrays.sort(gains);
        double typical = median(times[0], n);
        int reach = (int) Math.ceil(QUANTILE * Math.sqrt(n) / 2);
        double low = gains[Math.max(0, (n - 1) / 2 - reach)];
        double high = gains[Math.min(n - 1, n / 2 + reach)];
        double middle = (gains[(n - 1) / 2] + gains[n / 2]) / 2;
        gain = typical == 0 ? 0 : middle / typical;
        String numbers = numbers(n, low / typical, high / typical);
        boolean full = n == evidence.mostPairs();
        if (high < 0) {
            off("it costs time: " + numbers);
        } else if (state == State.TRIAL) {
            if (low > 0) {
                on(numbers);
            } else if (full && middle >= evidence.leastGain() * typical) {
                on(numbers);
            } else if (full) {
                off("no gain was seen: " + numbers);
            }
        } else if (full && middle <= 0) {
            off("it no longer gains: " + numbers);
        } else {
            reason = "on: " + numbers;
        }
    }

    private void on(String numbers) {
        state = State.ON;
        pause = evidence.pause();
        reason = "on: " + numbers;
    }

    private void off(String why) {
        state = State.OFF;
        left = pause;
        reason = "off for " + pause + " steps, " + why;
        pause = Math.min(evidence.longestPause(), pause * 2);
    }

    private String numbers(int n, double low, double high) {
        return String.format(
                Locale.ROOT,
                "a step takes %.1f %% less with it (%.1f to %.1f, %d pairs)",
                100 * gain,
                100 * low,
                100 * high,
                n);
    }

    /**
     * Time per expert needed, from how steps of the same kind differ: the median of the slopes
     * between them, each counted by how far they are apart in need. Never below 0.
     */
    private double slope(int n) {
        double[][] slopes = new double[2 * LAGS * n][]; // {slope, weight}
        int count = 0;
        double half = 0;
        for (int arm = 0; arm < 2; arm++) {
            for (int lag = 1; lag <= LAGS; lag++) {
                for (int i = lag; i < n; i++) {
                    double need = needs[arm][i] - needs[arm][i - lag];
                    if (need != 0) {
                        double time = times[arm][i] - times[arm][i - lag];
                        slopes[count++] = new double[] {time / need, Math.abs(need)};
                        half += Math.abs(need) / 2;
                    }
                }
            }
        }
        Arrays.sort(slopes, 0, count, Comparator.comparingDouble(slope -> slope[0]));
        for (int i = 0; i < count; i++) {
            half -= slopes[i][1];
            if (half <= 0) {
                return Math.max(0, slopes[i][0]);
            }
        }
        return 0;
    }

    private static double median(double[] values, int n) {
        double[] sorted = Arrays.copyOf(values, n);
        Arrays.sort(sorted);
        return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }
}
