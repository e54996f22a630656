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
 *     or output; 1 for none
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
}
