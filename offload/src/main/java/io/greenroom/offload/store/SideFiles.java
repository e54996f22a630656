package io.greenroom.offload.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Text files that may lie beside the weights.
 *
 * @param tokenizerJson content of tokenizer.json, or null
 * @param chatTemplate content of chat_template.jinja, or null
 */
record SideFiles(@Nullable String tokenizerJson, @Nullable String chatTemplate) {

    static final SideFiles NONE = new SideFiles(null, null);

    /** The largest published tokenizer.json files have some 35 MiB. */
    private static final long MAX_TOKENIZER_BYTES = 128L << 20;

    private static final long MAX_TEMPLATE_BYTES = 4L << 20;

    static SideFiles in(Path folder) throws CheckpointException {
        return new SideFiles(
                read(folder.resolve("tokenizer.json"), MAX_TOKENIZER_BYTES),
                read(folder.resolve("chat_template.jinja"), MAX_TEMPLATE_BYTES));
    }

    private static @Nullable String read(Path file, long maxBytes) throws CheckpointException {
        if (!Files.exists(file)) {
            return null;
        }
        try {
            long bytes = Files.size(file);
            if (!Files.isRegularFile(file) || bytes > maxBytes) {
                throw new CheckpointException(
                        file,
                        "has " + bytes + " bytes; expected a text file of at most " + maxBytes);
            }
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (CheckpointException e) {
            throw e;
        } catch (IOException e) {
            throw new CheckpointException(file, "cannot be read as UTF-8: " + e.getMessage(), e);
        }
    }
}
