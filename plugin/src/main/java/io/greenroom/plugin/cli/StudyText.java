package io.greenroom.plugin.cli;

import io.greenroom.plugin.protocol.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Texts a model is made to read, as requests of tokens. */
final class StudyText {

    private StudyText() {}

    /** One request per line that is not blank. */
    static List<int[]> prompts(Path file, Tokenizer tokenizer, int longest) throws IOException {
        List<int[]> requests = new ArrayList<>();
        for (String line : TextFiles.read(file).lines().filter(text -> !text.isBlank()).toList()) {
            int[] tokens = tokenizer.encode(line, true);
            requests.add(Arrays.copyOf(tokens, Math.min(tokens.length, longest)));
        }
        return requests;
    }

    /**
     * A text cut into requests.
     *
     * @param longest tokens of a request
     * @param most tokens in all
     */
    static List<int[]> text(Path file, Tokenizer tokenizer, int longest, int most)
            throws IOException {
        int[] tokens = TextFiles.tokens(file, tokenizer, most);
        List<int[]> requests = new ArrayList<>();
        for (int from = 0; from < tokens.length; from += longest) {
            int to = Math.min(tokens.length, from + longest);
            requests.add(Arrays.copyOfRange(tokens, from, to));
        }
        return requests;
    }

    static int tokens(List<int[]> requests) {
        return requests.stream().mapToInt(request -> request.length).sum();
    }
}
