package io.greenroom.offload.decoder;

/**
 * How the next token is drawn. Filters apply in the order: penalties, temperature, top-k, top-p,
 * min-p. Values are checked where they enter (the protocol); this record checks again.
 *
 * @param temperature 0 for greedy, else a divisor of the logits, up to 2
 * @param topK keep this many best tokens; 0 keeps all
 * @param topP keep the smallest set of best tokens with at least this probability, above 0 to 1
 * @param minP drop tokens less likely than this share of the best token's probability, 0 to 1
 * @param seed seed of the draw; the same seed and request give the same tokens
 * @param repetitionPenalty divisor (positive logits) or factor (negative) for tokens seen in prompt
 *     or output; above 0, 1 for none
 * @param presencePenalty subtracted once from logits of tokens in the output, -2 to 2
 * @param frequencyPenalty subtracted per occurrence in the output, -2 to 2
 */
public record SamplingParameters(
        float temperature,
        int topK,
        float topP,
        float minP,
        long seed,
        float repetitionPenalty,
        float presencePenalty,
        float frequencyPenalty) {

    /** Greedy decoding, no penalties. */
    public static final SamplingParameters GREEDY = new SamplingParameters(0, 0, 1, 0, 0, 1, 0, 0);

    /**
     * @throws IllegalArgumentException naming the parameter, its value and the accepted range
     */
    public SamplingParameters {
        check("temperature", temperature, temperature >= 0 && temperature <= 2, "0 to 2");
        check("top_k", topK, topK >= 0, "0 (all) or more");
        check("top_p", topP, topP > 0 && topP <= 1, "above 0 to 1");
        check("min_p", minP, minP >= 0 && minP <= 1, "0 to 1");
        check(
                "repetition_penalty",
                repetitionPenalty,
                repetitionPenalty > 0 && repetitionPenalty <= Float.MAX_VALUE,
                "above 0");
        check(
                "presence_penalty",
                presencePenalty,
                presencePenalty >= -2 && presencePenalty <= 2,
                "-2 to 2");
        check(
                "frequency_penalty",
                frequencyPenalty,
                frequencyPenalty >= -2 && frequencyPenalty <= 2,
                "-2 to 2");
    }

    private static void check(String name, Number value, boolean accepted, String range) {
        if (!accepted) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be " + range);
        }
    }

    /** Whether any penalty changes the logits. */
    public boolean penalises() {
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
    }
}
