package io.greenroom.offload.decoder;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.trace.RoutingTraceWriter;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.decoder.TraceStatus.State;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records the routing of a model into a file. The scheduler's thread copies a step into a buffer
 * made beforehand; a thread of its own packs and writes it. When no buffer is free a step is left
 * out and counted: decoding never waits for the file, and the memory never grows.
 *
 * <p>A step is handed on when the next begins, so that requests that end after it are in it. What
 * fails on the way, or lost rows, is left out whole. A file that cannot be written any more ends
 * the recording with one line in the log, not the request.
 */
final class TraceRecorder implements RoutingObserver, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(TraceRecorder.class);

    /** Steps of decoding waiting to be packed, and the memory they may take. */
    private static final int SMALL_BUFFERS = 64;

    private static final long SMALL_BYTES = 32 << 20;

    /** Steps with prompts are rare and long, so few buffers do; larger ones are not recorded. */
    private static final int LARGE_BUFFERS = 3;

    private static final long LARGE_BYTES = 32 << 20;

    /** After this long without a step, what is there is written, so that it can be read. */
    private static final long IDLE_SECONDS = 10;

    private static final long CLOSE_SECONDS = 30;

    private final TraceHeader header;
    private final RoutingTraceWriter writer;
    private final long limit;
    private final int firstLayer;
    private final int[] moeIndex; // [layers] index among the MoE layers
    private final GateInputs inputs;
    private final StepPacker packer;
    private final Queue<StepBuffer> small;
    private final Queue<StepBuffer> large;
    private final BlockingQueue<StepBuffer> ready;
    private final int smallRows;
    private final StepBuffer last; // says that nothing comes after it
    private final Thread thread;

    private final float[] aheadOfStep; // [foreseenRows * experts], of the first layer
    private int aheadRows; // of the step to come; 0 if nothing was foreseen for it
    private @Nullable StepBuffer current;
    private volatile State state = State.RECORDING;
    private volatile long steps;
    private volatile long bytes;
    private volatile long dropped; // written by the scheduler's thread

    /**
     * What may come.
     *
     * @param hidden width of a gate input
     * @param concurrent most sequences of a step, and so most rows without a prompt
     * @param rows most rows of a step
     * @param foreseenRows most rows of a prediction
     */
    record Shape(int hidden, int concurrent, int rows, int foreseenRows) {}

    /**
     * @param writer of a new trace; closed with the recorder
     * @param limit most bytes of its file, for the status
     */
    TraceRecorder(
            TraceHeader header,
            RoutingTraceWriter writer,
            long limit,
            Shape shape,
            Kernels kernels) {
        this.header = header;
        this.writer = writer;
        this.limit = limit;
        int[] moeLayers = header.moeLayers();
        firstLayer = moeLayers[0];
        moeIndex = new int[header.layers()];
        for (int i = 0; i < moeLayers.length; i++) {
            moeIndex[moeLayers[i]] = i;
        }
        int foreseenRows = Math.min(shape.foreseenRows(), shape.rows());
        StepBuffer.Capacity few =
                new StepBuffer.Capacity(
                        shape.concurrent(),
                        Math.min(foreseenRows, shape.concurrent()),
                        shape.concurrent());
        long rowBytes = Math.max(1, few.bytes(header) / shape.concurrent());
        StepBuffer.Capacity many =
                new StepBuffer.Capacity(
                        (int) Math.min(shape.rows(), Math.max(1, LARGE_BYTES / rowBytes)),
                        foreseenRows,
                        shape.concurrent());
        smallRows = few.rows();
        small =
                buffers(
                        (int) Math.max(4, Math.min(SMALL_BUFFERS, SMALL_BYTES / few.bytes(header))),
                        few,
                        false);
        large = buffers(LARGE_BUFFERS, many, true);
        last = new StepBuffer(header, new StepBuffer.Capacity(0, 0, 0), false);
        ready = new ArrayBlockingQueue<>(small.size() + large.size() + 1);
        inputs = new GateInputs(kernels, Math.max(few.rows(), many.rows()), shape.hidden());
        packer = new StepPacker(header);
        aheadOfStep = new float[foreseenRows * header.experts()];
        bytes = writer.bytes();
        thread = new Thread(this::write, "trace-" + writer.file().getFileName());
        thread.setDaemon(true);
    }

    private Queue<StepBuffer> buffers(int count, StepBuffer.Capacity capacity, boolean isLarge) {
        Queue<StepBuffer> buffers = new ArrayBlockingQueue<>(count);
        for (int i = 0; i < count; i++) {
            buffers.add(new StepBuffer(header, capacity, isLarge));
        }
        return buffers;
    }

    TraceRecorder start() {
        thread.start();
        return this;
    }

    /** Any thread. */
    TraceStatus status() {
        return new TraceStatus(writer.file(), state, steps, dropped, bytes, limit);
    }

    @Override
    public void routed(
            int layer, Batch batch, Activations input, float[] logits, RoutingDecision decision) {
        if (layer == firstLayer) {
            begin(batch);
        }
        StepBuffer step = current;
        if (step == null) {
            return;
        }
        int index = moeIndex[layer];
        if (batch.rows() != step.rows || step.layersDone != index) {
            abandon(step);
            return;
        }
        step.layer(logits, decision, header.experts());
        inputs.measure(input, step.rows, index == 0, step.norms[index], step.similarities[index]);
    }

    private void begin(Batch batch) {
        int ahead = aheadRows;
        aheadRows = 0;
        handOn();
        if (state != State.RECORDING) {
            return;
        }
        StepBuffer step = batch.rows() <= smallRows ? small.poll() : null;
        if (step == null) {
            step = large.poll();
        }
        if (step == null) {
            dropped++;
        } else if (step.begin(batch)) {
            current = step;
            if (ahead == step.rows) {
                foreseen(firstLayer, step, aheadOfStep);
            }
        } else {
            abandon(step);
        }
    }

    @Override
    public void foreseen(int layer, int rows, float[] logits) {
        if (layer == firstLayer) { // its step begins when it is routed
            if (rows * header.experts() <= aheadOfStep.length) {
                System.arraycopy(logits, 0, aheadOfStep, 0, rows * header.experts());
                aheadRows = rows;
            }
        } else if (current != null && !current.complete && rows == current.rows) {
            foreseen(layer, current, logits);
        }
    }

    private void foreseen(int layer, StepBuffer step, float[] logits) {
        if (step.rows <= step.capacity.foreseenRows()) {
            int index = moeIndex[layer];
            System.arraycopy(logits, 0, step.foreseen[index], 0, step.rows * header.experts());
            step.isForeseen[index] = true;
        }
    }

    @Override
    public void stepDone(Batch batch) {
        StepBuffer step = current;
        if (step == null) {
            return;
        }
        if (batch.rows() == step.rows && step.layersDone == header.moeLayers().length) {
            step.complete = true;
        } else {
            abandon(step);
        }
    }

    @Override
    public void requestEnded(int request) {
        if (current != null) {
            current.end(request);
        }
    }

    /** Gives the step that is over to the writing thread; there is always room for it. */
    private void handOn() {
        StepBuffer step = current;
        if (step == null) {
            return;
        }
        if (step.complete) {
            current = null;
            ready.add(step);
        } else {
            abandon(step); // it failed half-way
        }
    }

    private void abandon(StepBuffer step) {
        current = null;
        dropped++;
        recycle(step);
    }

    private void recycle(StepBuffer step) {
        (step.large ? large : small).add(step); // there is room: it came from there
    }

    private void write() {
        try {
            while (true) {
                StepBuffer step = ready.poll(IDLE_SECONDS, TimeUnit.SECONDS);
                if (step == last) {
                    return;
                }
                if (state == State.RECORDING) {
                    write(step);
                }
                if (step != null) {
                    recycle(step);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does; the file is closed by close
        }
    }

    /** Writes a step, or after a while without any those that are waiting for more. */
    private void write(@Nullable StepBuffer step) {
        try {
            if (step == null) {
                writer.flush();
            } else {
                writer.write(packer.pack(step));
            }
            steps = writer.steps();
            bytes = writer.bytes();
            if (writer.isFull()) {
                state = State.FULL;
                LOG.info(
                        "The routing trace {} has reached its limit of {} after {} steps;"
                                + " recording is over",
                        writer.file(),
                        new ByteSize(limit),
                        steps);
            }
        } catch (IOException | RuntimeException e) {
            state = State.FAILED;
            LOG.error(
                    "The routing trace {} cannot be written any more: {}; recording is over, {}"
                            + " steps can be read",
                    writer.file(),
                    e.getMessage(),
                    steps,
                    e);
        }
    }

    /** Writes what is left and closes the file. Called by the scheduler's thread, last of all. */
    @Override
    public void close() {
        handOn();
        ready.add(last);
        try {
            thread.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS));
            if (thread.isAlive()) {
                LOG.error(
                        "The routing trace {} is not complete: its disk has not taken it for {} s",
                        writer.file(),
                        CLOSE_SECONDS);
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        try {
            writer.close(dropped);
            bytes = writer.bytes();
            steps = writer.steps();
            if (state == State.RECORDING) {
                state = State.CLOSED;
            }
        } catch (IOException e) {
            if (state != State.FAILED) { // else it is known
                LOG.error("The routing trace {} has no end mark", writer.file(), e);
            }
            state = State.FAILED;
        }
    }
}
