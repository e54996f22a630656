package io.greenroom.offload.synthetic;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A byte-level BPE vocabulary of any size that was never trained: the 256 bytes, then pairs of
 * English letters, then pairs of pairs, the likelier by letter frequency first. English text comes
 * to about two characters a token, any other to its bytes; what is left of the size are tokens that
 * no text produces.
 *
 * @param tokens in order of id, spelled with GPT-2's visible bytes
 * @param merges the BPE rules, first to last
 * @param end id of {@code <|endoftext|>}, the last one
 */
record SyntheticVocabulary(List<String> tokens, List<String> merges, int end) {

    /** Every byte must have a token, and the end too. */
    static final int LEAST = 257;

    /** Space (as GPT-2 writes it) and letters, the most frequent of English first. */
    private static final String LETTERS = "\u0120etaoinshrdlcumwfgypbvkjxqz";

    /** Of these pairs no larger token is made; the others' pairs alone are half a million. */
    private static final int MOST_PAIRS_OF_PAIRS = 200_000;

    static SyntheticVocabulary of(int size) {
        List<String> tokens = new ArrayList<>(size);
        for (int value = 0; value < 256; value++) {
            tokens.add(String.valueOf(visible(value)));
        }
        List<String> merges = new ArrayList<>();
        List<String> pairs = pairs();
        for (String pair : pairs) {
            if (tokens.size() < size - 1) {
                tokens.add(pair);
                merges.add(pair.charAt(0) + " " + pair.charAt(1));
            }
        }
        if (tokens.size() < size - 1) {
            addPairsOfPairs(pairs, size - 1, tokens, merges);
        }
        while (tokens.size() < size - 1) {
            tokens.add("<|unused_" + tokens.size() + "|>");
        }
        tokens.add("<|endoftext|>");
        return new SyntheticVocabulary(List.copyOf(tokens), List.copyOf(merges), size - 1);
    }

    /** Two letters, or a space and a letter: a space begins a word, so it is never second. */
    private static List<String> pairs() {
        List<String> pairs = new ArrayList<>();
        for (int sum = 0; sum < 2 * LETTERS.length(); sum++) {
            for (int first = 0; first <= sum; first++) {
                int second = sum - first;
                if (first < LETTERS.length() && second >= 1 && second < LETTERS.length()) {
                    pairs.add("" + LETTERS.charAt(first) + LETTERS.charAt(second));
                }
            }
        }
        return pairs;
    }

    private static void addPairsOfPairs(
            List<String> pairs, int size, List<String> tokens, List<String> merges) {
        record Four(int rank, int first, int second) {}
        List<Four> fours = new ArrayList<>();
        for (int first = 0; first < pairs.size(); first++) {
            for (int second = 0; second < pairs.size(); second++) {
                if (pairs.get(second).charAt(0) != LETTERS.charAt(0)
                        && (long) (first + 1) * (second + 1) < MOST_PAIRS_OF_PAIRS) {
                    fours.add(new Four((first + 1) * (second + 1), first, second));
                }
            }
        }
        fours.sort(Comparator.comparingInt(Four::rank)); // stable
        Set<String> seen = new HashSet<>(tokens);
        for (Four four : fours) {
            if (tokens.size() == size) {
                return;
            }
            String text = pairs.get(four.first) + pairs.get(four.second);
            if (seen.add(text)) {
                tokens.add(text);
                merges.add(pairs.get(four.first) + " " + pairs.get(four.second));
            }
        }
    }

    /** The character that stands for a byte: itself if it can be seen, else one above 255. */
    private static char visible(int value) {
        boolean printable =
                (value >= '!' && value <= '~')
                        || (value >= 0xA1 && value <= 0xAC)
                        || (value >= 0xAE && value <= 0xFF);
        if (printable) {
            return (char) value;
        }
        int before = value; // bytes that cannot be seen and are smaller
        if (value > ' ') {
            before = value == 0xAD ? 67 : value - 0x7F + 33;
        }
        return (char) (256 + before);
    }
}
