package io.greenroom.plugin.protocol.text;

import java.util.List;

/**
 * Texts that end an answer. Immutable.
 *
 * @param texts not empty strings
 */
public record StopStrings(List<String> texts) {

    /** Nothing ends the answer but the model. */
    public static final StopStrings NONE = new StopStrings(List.of());

    public StopStrings {
        texts = List.copyOf(texts);
        if (texts.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("A stop string cannot be empty");
        }
    }

    /** Where the first stop string begins in {@code text}, or -1. */
    int find(CharSequence text) {
        String searched = text.toString();
        int first = -1;
        for (String stop : texts) {
            int at = searched.indexOf(stop);
            if (at >= 0 && (first < 0 || at < first)) {
                first = at;
            }
        }
        return first;
    }

    /** Length of the longest end of {@code text} with which a stop string might begin. */
    int held(CharSequence text) {
        int held = 0;
        for (String stop : texts) {
            int most = Math.min(text.length(), stop.length() - 1);
            for (int length = most; length > held; length--) {
                if (endsWith(text, stop, length)) {
                    held = length;
                }
            }
        }
        return held;
    }

    private static boolean endsWith(CharSequence text, String stop, int length) {
        int start = text.length() - length;
        for (int i = 0; i < length; i++) {
            if (text.charAt(start + i) != stop.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
