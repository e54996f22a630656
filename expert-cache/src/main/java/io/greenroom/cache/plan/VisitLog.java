package io.greenroom.cache.plan;

import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceStep;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Which experts a model's layers asked for, step by step: what miss curves are computed from.
 *
 * <p>Not thread-safe while it is being written; unchanging afterwards.
 */
public final class VisitLog {

    private final int layers;
    private final int experts;
    private final List<Step> steps = new ArrayList<>();
    private long tokens;

    /**
     * One step of the decoder.
     *
     * @param tokens rows computed
     * @param decode whether every row continues an answer; a step that reads prompts asks for far
     *     more experts at once and is told apart
     * @param visits in the order of the layers
     */
    public record Step(int tokens, boolean decode, List<Visit> visits) {

        public Step {
            visits = List.copyOf(visits);
            if (tokens < 1) {
                throw new IllegalArgumentException("A step has at least 1 token, got " + tokens);
            }
        }
    }

    /**
     * What one layer asked for in one step.
     *
     * @param layer index of the layer within the model, from 0
     * @param experts distinct, in the order in which the cache was asked; not to be changed
     */
    public record Visit(int layer, int[] experts) {}

    /**
     * An empty log.
     *
     * @param layers layers of the model; those without experts are never visited
     * @param experts experts of each layer
     */
    public VisitLog(int layers, int experts) {
        if (layers < 1 || experts < 1) {
            throw new IllegalArgumentException(
                    "A log needs at least 1 layer and 1 expert, got "
                            + layers
                            + " layers of "
                            + experts);
        }
        this.layers = layers;
        this.experts = experts;
    }

    /** The visits of a recorded trace. */
    public static VisitLog of(RoutingTrace trace) {
        TraceHeader header = trace.header();
        int[] moeLayers = header.moeLayers();
        VisitLog log = new VisitLog(header.layers(), header.experts());
        for (TraceStep step : trace.steps()) {
            List<Visit> visits = new ArrayList<>(moeLayers.length);
            for (int i = 0; i < moeLayers.length; i++) {
                visits.add(new Visit(moeLayers[i], step.layers().get(i).visit(header)));
            }
            log.add(new Step(step.rows(), step.decodeOnly(), visits));
        }
        return log;
    }

    /**
     * Appends a step.
     *
     * @throws IllegalArgumentException if it names a layer or expert that is not there, or an
     *     expert twice in one visit
     */
    public void add(Step step) {
        for (Visit visit : step.visits()) {
            check(visit);
        }
        steps.add(step);
        tokens += step.tokens();
    }

    /** The steps so far, as a view. */
    public List<Step> steps() {
        return Collections.unmodifiableList(steps);
    }

    public int layers() {
        return layers;
    }

    public int experts() {
        return experts;
    }

    /** Tokens of all steps. */
    public long tokens() {
        return tokens;
    }

    private void check(Visit visit) {
        if (visit.layer() < 0 || visit.layer() >= layers) {
            throw new IllegalArgumentException(
                    "Layer " + visit.layer() + " was visited, the log has " + layers);
        }
        boolean[] seen = new boolean[experts];
        for (int expert : visit.experts()) {
            if (expert < 0 || expert >= experts || seen[expert]) {
                throw new IllegalArgumentException(
                        "Expert "
                                + expert
                                + " of layer "
                                + visit.layer()
                                + " is named twice in a visit, or not one of "
                                + experts);
            }
            seen[expert] = true;
        }
    }
}
