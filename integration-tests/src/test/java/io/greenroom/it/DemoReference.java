package io.greenroom.it;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What Hugging Face Transformers makes of the demo model in float32.
 *
 * @param prompts texts and how they go on, greedily
 */
public record DemoReference(List<Prompt> prompts) {

    private static final Path FILE = Path.of("src/test/resources/fixtures/demo/reference.json");

    /**
     * A text and its continuation.
     *
     * @param name for humans
     * @param text as it is tokenized, special tokens included
     * @param ids its tokens
     * @param greedy the tokens that follow, with the end token if it came
     * @param stop "length" or "eos"
     * @param decoded the text of {@code greedy}
     */
    public record Prompt(
            String name,
            String text,
            List<Integer> ids,
            List<Integer> greedy,
            String stop,
            String decoded) {

        @Override
        public String toString() {
            return name;
        }
    }

    /** Reads the fixture. */
    public static DemoReference read() {
        try {
            return new Gson()
                    .fromJson(Files.readString(FILE, StandardCharsets.UTF_8), DemoReference.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A prompt by its name. */
    public Prompt prompt(String name) {
        return prompts.stream()
                .filter(prompt -> prompt.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no prompt named " + name));
    }
}
