package io.greenroom.offload.decoder;

import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * How surprised a model is by a text: the exponential of the mean negative log-likelihood of each
 * token given those before it in its window. Sums are formed in double precision.
 *
 * @param tokens tokens scored
 * @param nats sum of their negative log-likelihoods, by the natural logarithm
 * @param cost what yielding to residents has cost
 */
public record Perplexity(long tokens, double nats, RoutingCost cost) {

    /**
     * How a text is cut. Each window is read from nothing; a token that two windows hold is scored
     * in the first.
     *
     * @param length tokens a window reads
     * @param stride tokens from the beginning of one to the next, from 1 to {@code length}
     * @param promptTokens tokens of each that are read in chunks; the others one a step, as if the
     *     model had written them, which is how residency is felt while decoding
     */
    public record Windows(int length, int stride, int promptTokens) {

        /**
         * @throws IllegalArgumentException naming what is wrong
         */
        public Windows {
            if (length < 1 || stride < 1 || stride > length || promptTokens < 0) {
                throw new IllegalArgumentException(
                        "Windows of "
                                + length
                                + " tokens every "
                                + stride
                                + ", of which "
                                + promptTokens
                                + " are a prompt, make no sense: a window has at least 1 token, the"
                                + " stride is from 1 to that, the prompt at least 0");
            }
        }
    }

    /**
     * Scores a text.
     *
     * @param text at least 2 tokens; all but the first are scored
     * @param done told how many are, on the model's thread
     */
    public static Perplexity of(
            LogitsEvaluator model,
            int[] text,
            Windows windows,
            RoutingDial routing,
            LongConsumer done) {
        if (text.length < 2) {
            throw new IllegalArgumentException(
                    "A text of "
                            + text.length
                            + " tokens has nothing to score; it needs at least 2");
        }
        Sum sum = new Sum(text, done);
        RoutingCost cost = RoutingCost.NONE;
        for (int from = 0; sum.scored < text.length - 1; from += windows.stride()) {
            int to = Math.min(from + windows.length(), text.length - 1);
            int[] window = Arrays.copyOfRange(text, from, to);
            int prompt = Math.min(windows.promptTokens(), window.length);
            int begin = from;
            RoutingCost more =
                    model.evaluate(
                            new EvaluationRequest(window, prompt, routing),
                            (position, logits) -> sum.add(begin + position, logits));
            cost = sum(cost, more);
        }
        return new Perplexity(sum.scored, sum.nats, cost);
    }

    /** The perplexity itself. */
    public double value() {
        return Math.exp(nats / tokens);
    }

    /**
     * Negative log-likelihood of a token.
     *
     * @param logits {@code [vocabulary]}
     */
    static double nats(float[] logits, int token) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp((double) logit - largest);
        }
        return Math.log(sum) + ((double) largest - logits[token]);
    }

    private static RoutingCost sum(RoutingCost a, RoutingCost b) {
        return new RoutingCost(
                a.selections() + b.selections(),
                a.altered() + b.altered(),
                a.fallbacks() + b.fallbacks(),
                a.exactWeight() + b.exactWeight(),
                a.lostWeight() + b.lostWeight());
    }

    /** Grows on the model's thread, is read when an evaluation has ended. */
    private static final class Sum {

        private final int[] text;
        private final LongConsumer done;
        private int scored;
        private double nats;

        Sum(int[] text, LongConsumer done) {
            this.text = text;
            this.done = done;
        }

        void add(int position, float[] logits) {
            if (position == scored) { // else a window before has scored it
                nats += Perplexity.nats(logits, text[position + 1]);
                scored++;
                done.accept(scored);
            }
        }
    }
}
