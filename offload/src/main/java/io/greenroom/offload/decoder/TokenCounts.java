package io.greenroom.offload.decoder;

import java.util.Arrays;

/**
 * How often each token occurs in a text: an open-addressed table of ints, so that penalties cost no
 * boxing and no array as long as the vocabulary. Used by one thread.
 */
final class TokenCounts {

    private static final int FREE = -1;

    private int[] tokens; // FREE or a token id
    private int[] counts; // occurrences in the output; 0 for a token only the prompt has
    private int size;

    TokenCounts() {
        tokens = new int[64];
        counts = new int[64];
        Arrays.fill(tokens, FREE);
    }

    /** Notes that the prompt has this token. */
    void addPrompt(int token) {
        add(token, 0);
    }

    /** Counts one occurrence in the output. */
    void addOutput(int token) {
        add(token, 1);
    }

    /** Hands every token seen to {@code visitor}, in no particular order. */
    void forEach(Visitor visitor) {
        for (int i = 0; i < tokens.length; i++) {
            if (tokens[i] != FREE) {
                visitor.visit(tokens[i], counts[i]);
            }
        }
    }

    private void add(int token, int occurrences) {
        int at = find(token);
        if (tokens[at] == FREE) {
            tokens[at] = token;
            size++;
        }
        counts[at] += occurrences;
        if (size * 2 > tokens.length) {
            grow();
        }
    }

    private int find(int token) {
        int mask = tokens.length - 1;
        int at = (token * 0x9E3779B9) >>> 7 & mask;
        while (tokens[at] != FREE && tokens[at] != token) {
            at = (at + 1) & mask;
        }
        return at;
    }

    private void grow() {
        int[] oldTokens = tokens;
        int[] oldCounts = counts;
        tokens = new int[oldTokens.length * 2];
        counts = new int[oldTokens.length * 2];
        Arrays.fill(tokens, FREE);
        for (int i = 0; i < oldTokens.length; i++) {
            if (oldTokens[i] != FREE) {
                int at = find(oldTokens[i]);
                tokens[at] = oldTokens[i];
                counts[at] = oldCounts[i];
            }
        }
    }

    /** Receives one token seen. */
    interface Visitor {

        /**
         * @param token its id
         * @param outputCount occurrences in the output, 0 if only the prompt has it
         */
        void visit(int token, int outputCount);
    }
}
