package io.greenroom.cache.trace;

import io.greenroom.cache.trace.TraceStep.Phase;
import io.greenroom.cache.trace.TraceStep.Sequence;
import java.io.IOException;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * A trace as comma-separated values: a line for each row and MoE layer of each step.
 *
 * <pre>
 * step        from 0
 * row         within the step, from 0
 * request     number of the request
 * phase       prefill or decode
 * begins      1 in the rows of a request's first step
 * ends        1 if the request is over after this step
 * layer       index in the model
 * norm        of the gate input; empty if not recorded, like the others below
 * similarity  cosine with the gate input of the MoE layer before; empty in the first
 * e0 ..       experts, those that ran first; as many as the top set
 * p0 ..       their probabilities
 * f0 ..       experts that were foreseen, the most probable first; empty where nothing was
 * </pre>
 */
public final class TraceCsv {

    private final TraceHeader header;
    private final Appendable out;
    private final int[] moeLayers;
    private long steps;

    /**
     * Writes the line of names.
     *
     * @param out where lines go, each with a newline
     */
    public TraceCsv(TraceHeader header, Appendable out) throws IOException {
        this.header = header;
        this.out = out;
        this.moeLayers = header.moeLayers();
        StringJoiner names = new StringJoiner(",", "", "\n");
        for (String name :
                new String[] {
                    "step",
                    "row",
                    "request",
                    "phase",
                    "begins",
                    "ends",
                    "layer",
                    "norm",
                    "similarity"
                }) {
            names.add(name);
        }
        names(names, "e", header.topSet());
        names(names, "p", header.has(TraceSection.PROBABILITIES) ? header.topSet() : 0);
        names(names, "f", header.predictedSet());
        out.append(names.toString());
    }

    private static void names(StringJoiner names, String letter, int count) {
        for (int i = 0; i < count; i++) {
            names.add(letter + i);
        }
    }

    /** Writes a step. */
    public void write(TraceStep step) throws IOException {
        int row = 0;
        for (Sequence sequence : step.sequences()) {
            boolean ends = false;
            for (int request : step.ended()) {
                ends |= request == sequence.request();
            }
            for (int i = 0; i < sequence.rows(); i++) {
                for (int layer = 0; layer < moeLayers.length; layer++) {
                    StringJoiner line = new StringJoiner(",", "", "\n");
                    line.add(Long.toString(steps)).add(Integer.toString(row));
                    line.add(Integer.toString(sequence.request()));
                    line.add(sequence.phase() == Phase.PREFILL ? "prefill" : "decode");
                    line.add(sequence.begins() ? "1" : "0").add(ends ? "1" : "0");
                    line.add(Integer.toString(moeLayers[layer]));
                    routing(line, step.layers().get(layer), row);
                    out.append(line.toString());
                }
                row++;
            }
        }
        steps++;
    }

    private void routing(StringJoiner line, LayerRouting routing, int row) {
        line.add(routing.norms().length == 0 ? "" : number(routing.norms()[row]));
        boolean similar =
                routing.similarities().length > 0 && !Float.isNaN(routing.similarities()[row]);
        line.add(similar ? number(routing.similarities()[row]) : "");
        int m = header.topSet();
        for (int i = row * m; i < (row + 1) * m; i++) {
            line.add(Integer.toString(routing.experts()[i]));
        }
        if (header.has(TraceSection.PROBABILITIES)) {
            for (int i = row * m; i < (row + 1) * m; i++) {
                line.add(number(routing.probabilities()[i]));
            }
        }
        int w = header.predictedSet();
        for (int i = row * w; i < (row + 1) * w; i++) {
            line.add(
                    routing.predicted().length == 0
                            ? ""
                            : Integer.toString(routing.predicted()[i]));
        }
    }

    private static String number(float value) {
        return String.format(Locale.ROOT, "%.5g", value);
    }
}
