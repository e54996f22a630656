package io.greenroom.gating.precision;

import io.greenroom.gating.ExpertGroups;
import io.greenroom.gating.RoutingDecision;
import java.util.BitSet;

/**
 * Chooses for each expert of a batch in which form it takes part.
 *
 * <p>An expert takes part in one form for all rows that chose it: the row that needs it most
 * decides, and what is in memory or being read for one row costs the others nothing.
 *
 * <pre>
 *   needed most as   expert resident   copy resident   takes part as
 *   FULL             -                 -               FULL, read if missing
 *   COPY             yes               -               FULL
 *   COPY             no                -               COPY, read if missing
 *   IF_RESIDENT      yes               -               FULL
 *   IF_RESIDENT      no                yes             COPY
 *   IF_RESIDENT      no                no              SKIPPED
 * </pre>
 *
 * <p>Given who is resident, the choice depends on the decision only. Used by one thread.
 */
public final class PrecisionChooser {

    private final PrecisionRule rule;
    private final Precision[] chosen; // [groups]

    /**
     * @param experts experts per layer
     */
    public PrecisionChooser(PrecisionRule rule, int experts) {
        this.rule = rule;
        this.chosen = new Precision[experts];
    }

    /**
     * Chooses for all experts of a decision.
     *
     * @param groups of the decision
     * @param residents experts of the layer that are in memory
     * @param residentCopies experts of the layer whose copies are in memory
     */
    public void choose(
            RoutingDecision decision,
            ExpertGroups groups,
            BitSet residents,
            BitSet residentCopies) {
        for (int group = 0; group < groups.count(); group++) {
            int expert = groups.expert(group);
            if (residents.get(expert)) {
                chosen[group] = Precision.FULL;
                continue;
            }
            chosen[group] =
                    switch (greatestNeed(decision, groups, group)) {
                        case FULL -> Precision.FULL;
                        case COPY -> Precision.COPY;
                        case IF_RESIDENT ->
                                residentCopies.get(expert) ? Precision.COPY : Precision.SKIPPED;
                    };
        }
    }

    /** What was chosen for a group's expert. */
    public Precision of(int group) {
        return chosen[group];
    }

    private Need greatestNeed(RoutingDecision decision, ExpertGroups groups, int group) {
        int k = decision.expertsPerToken();
        Need greatest = Need.IF_RESIDENT;
        for (int i = 0; i < groups.size(group) && greatest != Need.FULL; i++) {
            int from = groups.token(group, i) * k;
            Need need = rule.need(decision.weights(), from, k, groups.output(group, i) - from);
            greatest = need.compareTo(greatest) < 0 ? need : greatest;
        }
        return greatest;
    }
}
