package io.greenroom.cache.plan;

import java.util.Arrays;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Tells a {@link GhostCurve} of visits on another thread, so that the decoder only notes them.
 *
 * <p>Bounded: while the other thread is behind, whole steps are left out and counted. Used by one
 * thread at a time; {@link #dropped} by any.
 */
public final class GhostFeed {

    /*
     * Two buffers: the decoder fills one while the other is read out. Handing over wakes a thread,
     * which costs more than noting a step, so several steps are handed over together.
     *
     * A buffer is a sequence of records: layer, count, experts, whether there are scores, and the
     * scores for a visit; STEP, rows, decode for the end of a step.
     */
    private static final int STEP = -1;
    private static final int STEPS_TOGETHER = 4;
    private static final int BUFFERED_STEPS = 8;

    private final GhostCurve curve;
    private final Executor executor;
    private final int experts;
    private final AtomicReference<Buffer> idle; // the one that is not being filled or read out
    private final AtomicLong dropped = new AtomicLong();
    private @Nullable Buffer filling;
    private int stepStart; // where the step under way begins
    private boolean full; // the step under way did not fit

    private static final class Buffer {
        private final int[] records;
        private int size;
        private int steps;

        Buffer(int size) {
            records = new int[size];
        }

        void add(int value) {
            records[size++] = value;
        }
    }

    /**
     * @param executor runs one short task at a time; may refuse, which counts as being behind
     * @param layers layers of the model
     * @param experts of each layer
     */
    public GhostFeed(GhostCurve curve, Executor executor, int layers, int experts) {
        this.curve = curve;
        this.executor = executor;
        this.experts = experts;
        int stepSize = Math.addExact(Math.multiplyExact(layers, 2 * experts + 3), 3);
        int size = Math.multiplyExact(BUFFERED_STEPS, stepSize);
        filling = new Buffer(size);
        idle = new AtomicReference<>(new Buffer(size));
    }

    /**
     * Notes a visit of the step under way.
     *
     * @param wanted distinct experts; the first {@code count} are read before this returns
     * @param scores as for {@link GhostCurve#visit}; read before this returns
     */
    public void visit(int layer, int[] wanted, int count, float @Nullable [] scores) {
        Buffer buffer = filling();
        int size = 3 + count + (scores == null ? 0 : experts);
        if (full || buffer.size + size + 3 > buffer.records.length) { // and the end of the step
            full = true;
            return;
        }
        buffer.add(layer);
        buffer.add(count);
        for (int i = 0; i < count; i++) {
            buffer.add(wanted[i]);
        }
        buffer.add(scores == null ? 0 : 1);
        for (int expert = 0; scores != null && expert < experts; expert++) {
            buffer.add(Float.floatToRawIntBits(scores[expert]));
        }
    }

    /**
     * Ends the step under way.
     *
     * @param rows tokens it was for
     * @param decode whether it read no prompt
     */
    public void stepped(int rows, boolean decode) {
        Buffer buffer = filling();
        if (full) {
            full = false;
            buffer.size = stepStart;
            dropped.incrementAndGet();
        } else {
            buffer.add(STEP);
            buffer.add(rows);
            buffer.add(decode ? 1 : 0);
            buffer.steps++;
        }
        if (buffer.steps >= STEPS_TOGETHER) {
            handOver(buffer);
        }
        stepStart = filling().size;
    }

    /** Steps that were left out because the other thread was behind. */
    public long dropped() {
        return dropped.get();
    }

    private Buffer filling() {
        Buffer buffer = filling;
        if (buffer == null) {
            throw new IllegalStateException("A feed is used by one thread at a time");
        }
        return buffer;
    }

    private void handOver(Buffer buffer) {
        Buffer next = idle.getAndSet(null);
        if (next == null) {
            return; // the other thread is behind: go on filling, as long as there is room
        }
        try {
            filling = next;
            executor.execute(() -> readOut(buffer));
        } catch (RejectedExecutionException e) {
            filling = buffer;
            idle.set(next);
        }
    }

    private void readOut(Buffer buffer) {
        try {
            int from = 0;
            for (int at = 0; at < buffer.size; ) {
                if (buffer.records[at] == STEP) {
                    tell(buffer.records, from, at);
                    at += 3;
                    from = at;
                } else {
                    at = afterVisit(buffer.records, at);
                }
            }
        } finally {
            buffer.size = 0;
            buffer.steps = 0;
            idle.set(buffer);
        }
    }

    private int afterVisit(int[] records, int at) {
        int scored = at + 2 + records[at + 1];
        return scored + 1 + records[scored] * experts;
    }

    /** Tells one step, of which only the end says what it was. */
    private void tell(int[] records, int from, int end) {
        boolean decode = records[end + 2] == 1;
        int at = from;
        while (at < end) {
            int scored = at + 2 + records[at + 1];
            int[] wanted = Arrays.copyOfRange(records, at + 2, scored);
            curve.visit(records[at], wanted, scores(records, scored), decode);
            at = afterVisit(records, at);
        }
        curve.stepped(records[end + 1], decode);
    }

    private float @Nullable [] scores(int[] records, int at) {
        if (records[at] == 0) {
            return null;
        }
        float[] scores = new float[experts];
        for (int expert = 0; expert < experts; expert++) {
            scores[expert] = Float.intBitsToFloat(records[at + 1 + expert]);
        }
        return scores;
    }
}
