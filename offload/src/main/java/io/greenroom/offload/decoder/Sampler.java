package io.greenroom.offload.decoder;

import java.util.Arrays;

/**
 * Draws the next token of one generation from its logits.
 *
 * <p>A draw depends on the logits, the tokens seen so far, the seed and the step's number and on
 * nothing else, so a request gives the same tokens whatever runs beside it.
 *
 * <p>Used by one thread.
 */
final class Sampler {

    private final SamplingParameters parameters;
    private final TokenHeap heap;
    private final TokenCounts seen = new TokenCounts();
    private int step;

    /**
     * @param heap scratch that may be shared by samplers of one thread
     */
    Sampler(SamplingParameters parameters, int[] prompt, TokenHeap heap) {
        this.parameters = parameters;
        this.heap = heap;
        if (parameters.penalises()) {
            for (int token : prompt) {
                seen.addPrompt(token);
            }
        }
    }

    /**
     * Draws one token and remembers it.
     *
     * @param logits {@code [vocabulary]}; penalties are applied in place
     * @throws IllegalStateException if a logit is not a finite number
     */
    int next(float[] logits) {
        if (parameters.penalises()) {
            penalise(logits);
        }
        int best = argmax(logits);
        int token = parameters.temperature() == 0 ? best : draw(logits, best);
        if (parameters.penalises()) {
            seen.addOutput(token);
        }
        step++;
        return token;
    }

    private void penalise(float[] logits) {
        float repetition = parameters.repetitionPenalty();
        seen.forEach(
                (token, outputCount) -> {
                    float logit = logits[token];
                    logit = logit > 0 ? logit / repetition : logit * repetition;
                    logit -= parameters.frequencyPenalty() * outputCount;
                    if (outputCount > 0) {
                        logit -= parameters.presencePenalty();
                    }
                    logits[token] = logit;
                });
    }

    /** The largest logit's index, the lowest of equals; refuses what is not a finite number. */
    private static int argmax(float[] logits) {
        int best = 0;
        for (int i = 0; i < logits.length; i++) {
            float logit = logits[i];
            if (!(Math.abs(logit) <= Float.MAX_VALUE)) {
                throw new IllegalStateException(
                        "The model's output is not finite: logit of token "
                                + i
                                + " is "
                                + logit
                                + "; the checkpoint's weights are damaged or overflow 32-bit floats");
            }
            if (logit > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    private int draw(float[] logits, int best) {
        double uniform = uniform(parameters.seed(), step);
        if (parameters.topK() == 0 && parameters.topP() == 1) {
            return drawUnsorted(logits, best, uniform);
        }
        return drawSorted(logits, best, uniform);
    }

    /** Without top-k and top-p nothing needs an order: two passes in order of ids. */
    private int drawUnsorted(float[] logits, int best, double uniform) {
        double total = 0;
        for (float logit : logits) {
            total += kept(relative(logit, logits[best]));
        }
        double target = uniform * total;
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            double probability = kept(relative(logits[i], logits[best]));
            sum += probability;
            if (probability > 0 && target < sum) {
                return i;
            }
        }
        return best; // only reached when rounding left the target at the very end
    }

    private double kept(double probability) {
        return probability >= parameters.minP() ? probability : 0;
    }

    /**
     * Takes tokens from the best down, from a heap over the vocabulary, until the filters have
     * enough: a handful of pops instead of a sort.
     */
    private int drawSorted(float[] logits, int best, double uniform) {
        heap.fill(logits);
        int limit =
                parameters.topK() == 0 ? logits.length : Math.min(parameters.topK(), logits.length);
        int[] tokens = new int[Math.min(limit, 64)];
        double[] probabilities = new double[tokens.length];
        double mass = parameters.topK() == 0 ? totalMass(logits, best) : 0;
        int count = 0;
        double sum = 0;
        while (count < limit) {
            if (parameters.topK() == 0 && count > 0 && sum >= parameters.topP() * mass) {
                break;
            }
            if (count == tokens.length) {
                tokens = Arrays.copyOf(tokens, count * 2);
                probabilities = Arrays.copyOf(probabilities, count * 2);
            }
            int token = heap.pop();
            tokens[count] = token;
            probabilities[count] = relative(logits[token], logits[best]);
            sum += probabilities[count++];
        }
        if (parameters.topK() != 0) {
            // Top-p is a share of what top-k kept.
            double enough = parameters.topP() * sum;
            int kept = 0;
            sum = 0;
            while (kept < count && (kept == 0 || sum < enough)) {
                sum += probabilities[kept++];
            }
            count = kept;
        }
        while (count > 1 && probabilities[count - 1] < parameters.minP()) {
            sum -= probabilities[--count];
        }
        double target = uniform * sum;
        double reached = 0;
        for (int i = 0; i < count; i++) {
            reached += probabilities[i];
            if (target < reached) {
                return tokens[i];
            }
        }
        return tokens[0];
    }

    private double totalMass(float[] logits, int best) {
        double total = 0;
        for (float logit : logits) {
            total += relative(logit, logits[best]);
        }
        return total;
    }

    /** Probability relative to the best token's. */
    private double relative(float logit, float bestLogit) {
        return Math.exp(((double) logit - bestLogit) / parameters.temperature());
    }

    /**
     * A number in [0, 1) from seed and step: the output function of SplittableRandom (Steele, Lea
     * and Flood, "Fast splittable pseudorandom number generators", 2014) over a counter.
     */
    static double uniform(long seed, int step) {
        // The seed is mixed first, else seeds 0x9E37... apart would share one shifted stream.
        long z = mix(seed ^ 0x5851F42D4C957F2DL) + 0x9E3779B97F4A7C15L * (step + 1L);
        return (mix(z) >>> 11) * 0x1p-53;
    }

    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }
}
