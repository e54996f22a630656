package io.greenroom.offload.decoder;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What other budgets would bring a model's present traffic.
 *
 * @param tokens for how many tokens' visits this stands, older ones counting less: few tokens are a
 *     weak witness
 * @param points by rising budget; none before the first token
 */
public record BudgetCurve(double tokens, List<Point> points) {

    /** The curve of a model that has seen nothing. */
    public static final BudgetCurve UNKNOWN = new BudgetCurve(0, List.of());

    public BudgetCurve {
        points = List.copyOf(points);
    }

    /**
     * What one budget would bring.
     *
     * @param budgetBytes for experts
     * @param slots experts that fit
     * @param hitRate share of visited experts that would be resident, prompts included and without
     *     what prefetch adds, from 0 to 1
     * @param bytesPerToken read for each token produced
     * @param tokensPerSecond produced, all requests together and as many of them as there are now;
     *     empty as long as no time is known
     */
    public record Point(
            long budgetBytes,
            int slots,
            double hitRate,
            double bytesPerToken,
            OptionalDouble tokensPerSecond) {}
}
