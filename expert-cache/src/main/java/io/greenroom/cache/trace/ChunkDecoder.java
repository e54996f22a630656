package io.greenroom.cache.trace;

import io.greenroom.cache.trace.TraceStep.Phase;
import io.greenroom.cache.trace.TraceStep.Sequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Turns a chunk back into steps. Every number is checked before it sizes anything, and all steps
 * that come out are sound: experts exist, and none stands twice in a row. The layout is in {@link
 * TraceFormat}.
 */
final class ChunkDecoder implements AutoCloseable {

    private static final int[] NO_IDS = {};
    private static final float[] NO_NUMBERS = {};

    private final Path file;
    private final TraceHeader header;
    private final int moeLayers;
    private final PartReader parts;
    private final int[] seen; // [experts] the last row an expert was seen in, counted from 1
    private int row; // rows of ids checked so far

    ChunkDecoder(Path file, TraceHeader header) {
        this.file = file;
        this.header = header;
        this.moeLayers = header.moeLayers().length;
        this.parts = new PartReader(file);
        this.seen = new int[header.experts()];
    }

    /** The checksum of a chunk, over all but the four bytes that hold it. */
    static int crc(byte[] chunk, int bytes) {
        CRC32C crc = new CRC32C();
        crc.update(chunk, 0, TraceFormat.CHUNK_BYTES - Integer.BYTES);
        crc.update(chunk, TraceFormat.CHUNK_BYTES, bytes - TraceFormat.CHUNK_BYTES);
        return (int) crc.getValue();
    }

    /** What is known of a step before its columns are. */
    private record Shape(List<Sequence> sequences, int[] ended, int rows, BitSet predicted) {}

    /**
     * @param where the place of the chunk in the file, for messages
     * @param body the chunk, its own fields included
     * @param stepCount steps the chunk declares
     * @param rowCount rows the chunk declares
     */
    List<TraceStep> decode(String where, byte[] body, int stepCount, int rowCount) {
        TraceCursor cursor =
                new TraceCursor(file, where, body, TraceFormat.CHUNK_BYTES, body.length);
        byte[] structure = parts.read(cursor, body, "structure", -1);
        List<Shape> shapes = structure(where, structure, stepCount, rowCount);
        long cells = (long) rowCount * moeLayers;
        int m = header.topSet();
        int[] experts =
                ids(
                        where,
                        parts.read(cursor, body, "experts", cells * m * idBytes()),
                        m,
                        "an expert");
        float[] probabilities = NO_NUMBERS;
        float[] norms = NO_NUMBERS;
        float[] similarities = NO_NUMBERS;
        int[] predicted = NO_IDS;
        if (header.has(TraceSection.PROBABILITIES)) {
            byte[] raw = parts.read(cursor, body, "probabilities", cells * m * 2);
            probabilities = numbers(raw, TraceNumbers::probability, m);
        }
        if (header.has(TraceSection.NORMS)) {
            norms = numbers(parts.read(cursor, body, "norms", cells * 2), TraceNumbers::norm, 1);
        }
        if (header.has(TraceSection.SIMILARITIES)) {
            byte[] raw = parts.read(cursor, body, "similarities", cells * 2);
            similarities = numbers(raw, TraceNumbers::cosine, 1);
        }
        if (header.has(TraceSection.PREDICTIONS)) {
            int w = header.predictedSet();
            long bytes = predictedRows(shapes) * w * idBytes();
            byte[] raw = parts.read(cursor, body, "predictions", bytes);
            predicted = ids(where, raw, w, "a predicted expert");
        }
        if (cursor.remaining() > 0) {
            throw cursor.bad("length", cursor.remaining() + " bytes too long", "no more bytes");
        }
        return assemble(shapes, rowCount, experts, probabilities, norms, similarities, predicted);
    }

    /** Bytes in the file of each part read so far, by its name. */
    Map<String, Long> packedBytes() {
        return parts.packedBytes();
    }

    private int idBytes() {
        return TraceFormat.idBytes(header);
    }

    private List<Shape> structure(String where, byte[] raw, int stepCount, int rowCount) {
        TraceCursor cursor = new TraceCursor(file, "the structure of " + where, raw, 0, raw.length);
        List<Shape> shapes = new ArrayList<>();
        int rowsLeft = rowCount;
        while (cursor.remaining() > 0 && shapes.size() < stepCount) {
            Shape shape = shape(cursor, rowsLeft);
            rowsLeft -= shape.rows();
            shapes.add(shape);
        }
        if (shapes.size() < stepCount || cursor.remaining() > 0 || rowsLeft > 0) {
            throw cursor.bad(
                    "number of steps and rows",
                    shapes.size()
                            + " and "
                            + (rowCount - rowsLeft)
                            + " with "
                            + cursor.remaining()
                            + " bytes left",
                    stepCount + " and " + rowCount + " with none left");
        }
        return shapes;
    }

    private Shape shape(TraceCursor cursor, int rowsLeft) {
        int count = cursor.varint("number of sequences", rowsLeft);
        List<Sequence> sequences = new ArrayList<>();
        int rows = 0;
        for (int i = 0; i < count; i++) {
            int request = cursor.varint("request", Integer.MAX_VALUE);
            int of = cursor.varint("rows of a sequence", rowsLeft - rows);
            if (of == 0) {
                throw cursor.bad("rows of a sequence", "0", "at least 1");
            }
            int bits = cursor.u8("marks of a sequence");
            if ((bits & ~(TraceFormat.PREFILL | TraceFormat.BEGINS)) != 0) {
                throw cursor.bad("marks of a sequence", Integer.toString(bits), "0 to 3");
            }
            Phase phase = (bits & TraceFormat.PREFILL) != 0 ? Phase.PREFILL : Phase.DECODE;
            sequences.add(new Sequence(request, of, phase, (bits & TraceFormat.BEGINS) != 0));
            rows += of;
        }
        if (rows == 0) {
            throw cursor.bad("number of sequences", "0", "at least 1");
        }
        int[] ended = new int[cursor.varint("number of ended requests", cursor.remaining())];
        for (int i = 0; i < ended.length; i++) {
            ended[i] = cursor.varint("ended request", Integer.MAX_VALUE);
        }
        BitSet predicted = new BitSet();
        if (header.has(TraceSection.PREDICTIONS)) {
            predictedBits(cursor, predicted);
        }
        return new Shape(sequences, ended, rows, predicted);
    }

    private void predictedBits(TraceCursor cursor, BitSet predicted) {
        for (int from = 0; from < moeLayers; from += 8) {
            int bits = cursor.u8("predicted layers");
            for (int i = 0; i < 8; i++) {
                predicted.set(from + i, (bits & (1 << i)) != 0);
            }
        }
        if (predicted.length() > moeLayers) {
            throw cursor.bad(
                    "predicted layers",
                    "layer " + (predicted.length() - 1),
                    "a layer below " + moeLayers);
        }
    }

    private static long predictedRows(List<Shape> shapes) {
        long rows = 0;
        for (Shape shape : shapes) {
            rows += (long) shape.rows() * shape.predicted().cardinality();
        }
        return rows;
    }

    /** Reads ids and sees that none is too large or stands twice in a row of {@code width}. */
    private int[] ids(String where, byte[] raw, int width, String what) {
        int bytes = idBytes();
        int[] ids = new int[raw.length / bytes];
        for (int i = 0; i < ids.length; i++) {
            int id = Byte.toUnsignedInt(raw[i * bytes]);
            if (bytes == 2) {
                id |= Byte.toUnsignedInt(raw[i * bytes + 1]) << 8;
            }
            if (i % width == 0) {
                nextRow();
            }
            if (id >= header.experts() || seen[id] == row) {
                throw new TraceException(
                        file,
                        what
                                + " in "
                                + where
                                + " is "
                                + id
                                + (id >= header.experts()
                                        ? ", expected 0 to " + (header.experts() - 1)
                                        : " for the second time in its row")
                                + "; the file is damaged");
            }
            seen[id] = row;
            ids[i] = id;
        }
        return ids;
    }

    private void nextRow() {
        if (++row == Integer.MAX_VALUE) {
            Arrays.fill(seen, 0);
            row = 1;
        }
    }

    private static float[] numbers(byte[] raw, TraceNumbers.Decoder decoder, int width) {
        float[] numbers = new float[raw.length / 2];
        int before = 0;
        for (int i = 0; i < numbers.length; i++) {
            int code =
                    Byte.toUnsignedInt(raw[i]) | Byte.toUnsignedInt(raw[numbers.length + i]) << 8;
            code = (code + (i % width == 0 ? 0 : before)) & 0xffff;
            numbers[i] = decoder.value(code);
            before = code;
        }
        return numbers;
    }

    private List<TraceStep> assemble(
            List<Shape> shapes,
            int rowCount,
            int[] experts,
            float[] probabilities,
            float[] norms,
            float[] similarities,
            int[] predicted) {
        int m = header.topSet();
        int w = header.predictedSet();
        int[] predictedFrom = predictedFrom(shapes);
        List<TraceStep> steps = new ArrayList<>(shapes.size());
        int rowsBefore = 0;
        for (Shape shape : shapes) {
            int n = shape.rows();
            List<LayerRouting> layers = new ArrayList<>(moeLayers);
            for (int layer = 0; layer < moeLayers; layer++) {
                int at = layer * rowCount + rowsBefore;
                int[] foreseen = NO_IDS;
                if (shape.predicted().get(layer)) {
                    int from = predictedFrom[layer];
                    predictedFrom[layer] += n;
                    foreseen = Arrays.copyOfRange(predicted, from * w, (from + n) * w);
                }
                layers.add(
                        new LayerRouting(
                                Arrays.copyOfRange(experts, at * m, (at + n) * m),
                                cut(probabilities, at * m, n * m),
                                cut(norms, at, n),
                                cut(similarities, at, n),
                                foreseen));
            }
            steps.add(new TraceStep(shape.sequences(), shape.ended(), layers));
            rowsBefore += n;
        }
        return steps;
    }

    /** Where each layer's rows begin among all predicted rows. */
    private int[] predictedFrom(List<Shape> shapes) {
        int[] from = new int[moeLayers];
        int rows = 0;
        for (int layer = 0; layer < moeLayers; layer++) {
            from[layer] = rows;
            for (Shape shape : shapes) {
                rows += shape.predicted().get(layer) ? shape.rows() : 0;
            }
        }
        return from;
    }

    private static float[] cut(float[] column, int from, int count) {
        return column.length == 0 ? NO_NUMBERS : Arrays.copyOfRange(column, from, from + count);
    }

    @Override
    public void close() {
        parts.close();
    }
}
