package io.greenroom.cache.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.trace.TraceStep.Phase;
import io.greenroom.cache.trace.TraceStep.Sequence;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Figures and lines of a trace small enough to count by hand. */
class TraceFiguresTest {

    private static final TraceHeader HEADER =
            new TraceHeader(
                    "m",
                    "f",
                    4,
                    2,
                    3,
                    1,
                    true,
                    10,
                    new long[] {0, 10},
                    EnumSet.allOf(TraceSection.class));

    private static final List<TraceStep> STEPS =
            List.of(
                    step(
                            List.of(new Sequence(5, 2, Phase.PREFILL, true)),
                            new int[0],
                            new LayerRouting(
                                    new int[] {0, 1, 2, 1, 2, 3},
                                    new float[] {.5f, .25f, .125f, .5f, .25f, .125f},
                                    new float[] {3, 4},
                                    new float[] {Float.NaN, Float.NaN},
                                    new int[0])),
                    step(
                            List.of(
                                    new Sequence(5, 1, Phase.DECODE, false),
                                    new Sequence(6, 1, Phase.DECODE, true)),
                            new int[] {5},
                            new LayerRouting(
                                    new int[] {2, 1, 0, 0, 3, 1},
                                    new float[] {.5f, .25f, .125f, .5f, .25f, .125f},
                                    new float[] {3, 4},
                                    new float[] {0.5f, -0.25f},
                                    new int[] {2, 3})));

    private static TraceStep step(List<Sequence> sequences, int[] ended, LayerRouting layer) {
        return new TraceStep(sequences, ended, List.of(layer));
    }

    @Test
    void figures() {
        TraceFigures figures = TraceFigures.of(HEADER, STEPS.iterator());

        assertThat(figures.steps()).isEqualTo(2);
        assertThat(figures.prefillRows()).isEqualTo(2);
        assertThat(figures.decodeRows()).isEqualTo(2);
        assertThat(figures.requests()).isEqualTo(2);
        assertThat(figures.largestStep()).isEqualTo(2);
        assertThat(figures.largestBatch()).isEqualTo(2);
        TraceFigures.Layer layer = figures.layers()[0];
        assertThat(layer.layer()).isEqualTo(1);
        // chosen: 0 and 1, 1 and 2, 2 and 1, 0 and 3
        double entropy =
                -(2 / 8. * Math.log(2 / 8.)
                                + 3 / 8. * Math.log(3 / 8.)
                                + 2 / 8. * Math.log(2 / 8.)
                                + 1 / 8. * Math.log(1 / 8.))
                        / Math.log(4);
        assertThat(layer.entropy()).isEqualTo(entropy, within(1e-12));
        // of request 5's second row one, of its third both were there in the row before
        assertThat(layer.repeated()).isEqualTo(3 / 4.);
        // the second step asks for all four, of which the first had three
        assertThat(layer.repeatedVisits()).isEqualTo(3 / 4.);
        assertThat(layer.similarity()).isEqualTo(0.125);
    }

    @Test
    void aVisitAsksForTheMostPopularFirst() {
        assertThat(STEPS.get(0).layers().get(0).visit(HEADER)).containsExactly(1, 0, 2);
        assertThat(STEPS.get(1).layers().get(0).visit(HEADER)).containsExactly(0, 1, 2, 3);
        assertThat(LayerRouting.of(3, 1, 0).visit(HEADER)).containsExactly(1, 3);
    }

    @Test
    void commaSeparatedValues() throws IOException {
        StringBuilder csv = new StringBuilder();
        TraceCsv writer = new TraceCsv(HEADER, csv);
        for (TraceStep step : STEPS) {
            writer.write(step);
        }
        assertThat(csv.toString())
                .isEqualTo(
                        """
                        step,row,request,phase,begins,ends,layer,norm,similarity,e0,e1,e2,p0,p1,p2,f0
                        0,0,5,prefill,1,0,1,3.0000,,0,1,2,0.50000,0.25000,0.12500,
                        0,1,5,prefill,1,0,1,4.0000,,1,2,3,0.50000,0.25000,0.12500,
                        1,0,5,decode,0,1,1,3.0000,0.50000,2,1,0,0.50000,0.25000,0.12500,2
                        1,1,6,decode,1,0,1,4.0000,-0.25000,0,3,1,0.50000,0.25000,0.12500,3
                        """);
    }
}
