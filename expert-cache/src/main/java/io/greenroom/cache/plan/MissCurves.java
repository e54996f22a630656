package io.greenroom.cache.plan;

import java.util.ArrayList;
import java.util.List;

/**
 * Computes the miss curves of a model's layers from what they asked for.
 *
 * <p>Curves start from an empty cache, so an expert's first visit is a miss at every size; over a
 * long log that no longer shows.
 */
public final class MissCurves {

    private MissCurves() {}

    /**
     * The curves of LRU, exact at every size, from one pass: an expert hits if fewer others than
     * its layer has slots were visited since.
     *
     * @param decodeOnly whether only the misses of steps that read no prompt count; the others
     *     still decide what is resident
     * @return one for each layer; flat at 0 for a layer without visits
     */
    public static List<MissCurve> lru(VisitLog log, boolean decodeOnly) {
        LayerStacks stacks = new LayerStacks(log.layers(), log.experts());
        for (VisitLog.Step step : log.steps()) {
            boolean counts = step.decode() || !decodeOnly;
            for (VisitLog.Visit visit : step.visits()) {
                stacks.visit(visit.layer(), visit.experts(), counts);
            }
            if (counts) {
                stacks.tokens(step.tokens());
            }
        }
        List<MissCurve> curves = new ArrayList<>();
        for (int layer = 0; layer < log.layers(); layer++) {
            curves.add(stacks.curve(layer));
        }
        return curves;
    }
}
