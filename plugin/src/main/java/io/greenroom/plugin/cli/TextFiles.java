package io.greenroom.plugin.cli;

import io.greenroom.plugin.protocol.text.Tokenizer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

/** Texts that a command evaluates. */
final class TextFiles {

    private TextFiles() {}

    /** A file's text, as it is. */
    static String read(Path file) throws IOException {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new IOException("There is no text at " + file.toAbsolutePath(), e);
        } catch (CharacterCodingException e) {
            throw new IOException("The text " + file + " is not UTF-8", e);
        } catch (IOException e) {
            throw new IOException("The text " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * A file's first tokens.
     *
     * @param most 0 for all
     */
    static int[] tokens(Path file, Tokenizer tokenizer, int most) throws IOException {
        int[] tokens = tokenizer.encode(read(file), true);
        return most == 0 || tokens.length <= most ? tokens : Arrays.copyOf(tokens, most);
    }
}
