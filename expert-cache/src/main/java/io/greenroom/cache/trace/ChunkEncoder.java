package io.greenroom.cache.trace;

import io.greenroom.cache.trace.TraceStep.Phase;
import io.greenroom.cache.trace.TraceStep.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.zip.Deflater;

/** Collects steps and packs them into a chunk. The layout is in {@link TraceFormat}. */
final class ChunkEncoder implements AutoCloseable {

    private final TraceHeader header;
    private final int moeLayers;
    private final Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
    private final List<TraceStep> steps = new ArrayList<>();
    private final TraceBytes raw = new TraceBytes();
    private final TraceBytes chunk = new TraceBytes();
    private final byte[] packed = new byte[8192];
    private final int bytesPerRow;
    private int rows;

    ChunkEncoder(TraceHeader header) {
        this.header = header;
        this.moeLayers = header.moeLayers().length;
        int perLayer = header.topSet() * TraceFormat.idBytes(header);
        for (TraceSection section : header.sections()) {
            perLayer +=
                    switch (section) {
                        case PROBABILITIES -> 2 * header.topSet();
                        case NORMS, SIMILARITIES -> 2;
                        case PREDICTIONS -> header.predictedSet() * TraceFormat.idBytes(header);
                    };
        }
        this.bytesPerRow = Math.multiplyExact(perLayer, moeLayers);
    }

    /** About as many bytes as the steps collected take unpacked. */
    long rawBytes() {
        return (long) rows * bytesPerRow + steps.size();
    }

    /** About as many bytes as a step takes unpacked. */
    long rawBytesOf(TraceStep step) {
        return (long) step.rows() * bytesPerRow + 1;
    }

    boolean isEmpty() {
        return steps.isEmpty();
    }

    int steps() {
        return steps.size();
    }

    int rows() {
        return rows;
    }

    /** Adds a step that {@link StepCheck} has passed. */
    void add(TraceStep step) {
        steps.add(step);
        rows += step.rows();
    }

    /**
     * Packs what was collected and forgets it.
     *
     * @return the chunk; valid until the next call
     */
    TraceBytes pack() {
        chunk.clear();
        chunk.u32(TraceFormat.STEPS);
        chunk.u32(0); // length of the body, known at the end
        chunk.u32(steps.size());
        chunk.u32(rows);
        chunk.u32(0); // checksum
        part(this::structure);
        part(() -> ids(LayerRouting::experts));
        for (TraceSection section : TraceSection.values()) {
            if (header.has(section)) {
                part(() -> section(section));
            }
        }
        set(4, chunk.size() - TraceFormat.CHUNK_BYTES);
        set(16, ChunkDecoder.crc(chunk.array(), chunk.size()));
        steps.clear();
        rows = 0;
        return chunk;
    }

    private void set(int at, int value) {
        for (int i = 0; i < Integer.BYTES; i++) {
            chunk.array()[at + i] = (byte) (value >>> (8 * i));
        }
    }

    private void part(Runnable fill) {
        raw.clear();
        fill.run();
        int at = chunk.size();
        chunk.u32(raw.size());
        chunk.u32(0);
        deflater.reset();
        deflater.setInput(raw.array(), 0, raw.size());
        deflater.finish();
        while (!deflater.finished()) {
            chunk.put(packed, deflater.deflate(packed));
        }
        set(at + 4, chunk.size() - at - 8);
    }

    private void structure() {
        for (TraceStep step : steps) {
            raw.varint(step.sequences().size());
            for (Sequence sequence : step.sequences()) {
                raw.varint(sequence.request());
                raw.varint(sequence.rows());
                raw.u8(
                        (sequence.phase() == Phase.PREFILL ? TraceFormat.PREFILL : 0)
                                | (sequence.begins() ? TraceFormat.BEGINS : 0));
            }
            raw.varint(step.ended().length);
            for (int request : step.ended()) {
                raw.varint(request);
            }
            if (header.has(TraceSection.PREDICTIONS)) {
                predictedBits(step);
            }
        }
    }

    private void predictedBits(TraceStep step) {
        for (int from = 0; from < moeLayers; from += 8) {
            int bits = 0;
            for (int layer = from; layer < Math.min(from + 8, moeLayers); layer++) {
                if (step.layers().get(layer).predicted().length > 0) {
                    bits |= 1 << (layer - from);
                }
            }
            raw.u8(bits);
        }
    }

    private void section(TraceSection section) {
        switch (section) {
            case PROBABILITIES ->
                    planes(LayerRouting::probabilities, TraceNumbers::probability, header.topSet());
            case NORMS -> planes(LayerRouting::norms, TraceNumbers::norm, 1);
            case SIMILARITIES -> planes(LayerRouting::similarities, TraceNumbers::cosine, 1);
            case PREDICTIONS -> ids(LayerRouting::predicted);
        }
    }

    private void ids(Function<LayerRouting, int[]> column) {
        boolean wide = TraceFormat.idBytes(header) == 2;
        for (int layer = 0; layer < moeLayers; layer++) {
            for (TraceStep step : steps) {
                for (int id : column.apply(step.layers().get(layer))) {
                    if (wide) {
                        raw.u16(id);
                    } else {
                        raw.u8(id);
                    }
                }
            }
        }
    }

    /**
     * Low bytes, then high bytes.
     *
     * @param width numbers of a row, of which all but the first are written as differences
     */
    private void planes(
            Function<LayerRouting, float[]> column, TraceNumbers.Encoder encoder, int width) {
        for (int shift = 0; shift <= 8; shift += 8) {
            for (int layer = 0; layer < moeLayers; layer++) {
                for (TraceStep step : steps) {
                    float[] values = column.apply(step.layers().get(layer));
                    int before = 0;
                    for (int i = 0; i < values.length; i++) {
                        int value = encoder.code(values[i]);
                        raw.u8((value - (i % width == 0 ? 0 : before)) >>> shift);
                        before = value;
                    }
                }
            }
        }
    }

    @Override
    public void close() {
        deflater.end();
    }
}
