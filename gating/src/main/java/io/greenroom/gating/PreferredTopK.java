package io.greenroom.gating;

/**
 * Chooses k experts for one token when some are preferred.
 *
 * <pre>
 * SHAPES      p, z [experts]: the router's probabilities and logits of one token
 * DEFINITION  exact  = the k largest p, ties by lower index              what the router wants
 *             bonus  = strength * (max z - min z)                        over finite logits
 *             chosen = the k largest z[e] + (bonus if e is preferred)    equal ones in exact order
 *             result = chosen, ordered by p as exact is
 * </pre>
 *
 * <p>That is the cache prior of Skliar et al., "Mixture of Cache-Conditional Experts for Efficient
 * Mobile Device Inference" (arXiv 2412.00099), with the range of the token's own logits where they
 * take a running average, so that a token's route depends on nothing that came before it but the
 * preference. With an infinite strength preferred experts come first whatever their logits, which
 * is the masked gating of Kong et al., "SwapMoE" (arXiv 2308.15030), except that other experts fill
 * up where fewer than k are preferred. Any strength above 1 already does the same: a preferred
 * expert is then ranked above the largest logit there is.
 *
 * <p>Preferred and other experts are each ranked in the exact order, and the two rankings merged.
 * So among themselves neither ever changes places, and where all experts or none are preferred the
 * result is the exact one, bit for bit. A preferred expert whose logit is minus infinity counts as
 * any other: it has no weight at all.
 *
 * <p>Made for one batch of a layer; not thread-safe.
 */
final class PreferredTopK {

    private final int experts;
    private final int k;
    private final float[] kept; // [experts], probabilities of one kind of expert, -1 for the other
    private final int[] exact; // [k]
    private final int[] preferred; // [k]
    private final int[] others; // [k]
    private final float[] values; // [k]

    PreferredTopK(int experts, int k) {
        this.experts = experts;
        this.k = k;
        this.kept = new float[experts];
        this.exact = new int[k];
        this.preferred = new int[k];
        this.others = new int[k];
        this.values = new float[k];
    }

    /**
     * Chooses for one token and tells the preference what it cost.
     *
     * @param probabilities {@code [experts]}, of this token
     * @param logits of the batch; this token's begin at {@code from}
     * @param chosen where the experts go: {@code chosen[at .. at + k)}
     * @param weights where their probabilities go
     */
    void select(
            Preference preference,
            int token,
            float[] probabilities,
            float[] logits,
            int from,
            int[] chosen,
            float[] weights,
            int at) {
        TopK.select(probabilities, experts, k, exact, values, 0);
        float exactWeight = sum(values, 0);
        int preferredCount = rank(preference, true, probabilities, logits, from, preferred);
        int otherCount = rank(preference, false, probabilities, logits, from, others);
        double bonus = bonus(preference.strength(token), logits, from);
        int p = 0;
        int o = 0;
        for (int taken = 0; taken < k; taken++) {
            int expert;
            if (o == otherCount
                    || (p < preferredCount
                            && goesFirst(
                                    preferred[p], others[o], bonus, probabilities, logits, from))) {
                expert = preferred[p++];
            } else {
                expert = others[o++];
            }
            insert(expert, probabilities, chosen, weights, at, taken);
        }
        int altered = 0;
        for (int rank = 0; rank < k; rank++) {
            altered += contains(exact, chosen[at + rank]) ? 0 : 1;
        }
        float lost = altered == 0 ? 0 : Math.max(0, exactWeight - sum(weights, at));
        preference.chose(token, altered, o, exactWeight, lost);
    }

    /** Ranks one kind of expert; returns how many there are, at most k. */
    private int rank(
            Preference preference,
            boolean wanted,
            float[] probabilities,
            float[] logits,
            int from,
            int[] ranked) {
        int count = 0;
        for (int expert = 0; expert < experts; expert++) {
            boolean isPreferred =
                    preference.prefers(expert) && logits[from + expert] != Float.NEGATIVE_INFINITY;
            boolean is = isPreferred == wanted;
            kept[expert] = is ? probabilities[expert] : -1;
            count += is ? 1 : 0;
        }
        TopK.select(kept, experts, k, ranked, values, 0);
        return Math.min(count, k);
    }

    /** In double precision: the sum must not make different logits equal. */
    private double bonus(double strength, float[] logits, int from) {
        if (strength == Double.POSITIVE_INFINITY) {
            return strength;
        }
        double max = Double.NEGATIVE_INFINITY;
        double min = Double.POSITIVE_INFINITY;
        for (int i = from; i < from + experts; i++) {
            if (logits[i] != Float.NEGATIVE_INFINITY) {
                max = Math.max(max, logits[i]);
                min = Math.min(min, logits[i]);
            }
        }
        return strength * (max - min);
    }

    private static boolean goesFirst(
            int preferred,
            int other,
            double bonus,
            float[] probabilities,
            float[] logits,
            int from) {
        double raised = logits[from + preferred] + bonus;
        double plain = logits[from + other];
        if (raised != plain) {
            return raised > plain;
        }
        return probabilities[preferred] > probabilities[other]
                || (probabilities[preferred] == probabilities[other] && preferred < other);
    }

    /** Inserts an expert among those taken, in the router's order. */
    private static void insert(
            int expert, float[] probabilities, int[] chosen, float[] weights, int at, int taken) {
        float weight = probabilities[expert];
        int place = at + taken;
        while (place > at
                && (weights[place - 1] < weight
                        || (weights[place - 1] == weight && chosen[place - 1] > expert))) {
            weights[place] = weights[place - 1];
            chosen[place] = chosen[place - 1];
            place--;
        }
        weights[place] = weight;
        chosen[place] = expert;
    }

    private float sum(float[] weights, int at) {
        float sum = 0;
        for (int rank = 0; rank < k; rank++) {
            sum += weights[at + rank];
        }
        return sum;
    }

    private static boolean contains(int[] experts, int wanted) {
        for (int expert : experts) {
            if (expert == wanted) {
                return true;
            }
        }
        return false;
    }
}
