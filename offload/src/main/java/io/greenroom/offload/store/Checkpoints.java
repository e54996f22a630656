package io.greenroom.offload.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Opens checkpoints. Files are untrusted: whatever is wrong with them ends in a {@link
 * CheckpointException} that names file, field, value and what would be accepted. No weights are
 * read.
 */
public final class Checkpoints {

    private static final String ACCEPTED =
            "expected a .gguf file, a folder with one GGUF model, or a Hugging Face folder with "
                    + HuggingFaceCheckpoint.CONFIG
                    + " and "
                    + HuggingFaceCheckpoint.SINGLE
                    + " (or "
                    + HuggingFaceCheckpoint.INDEX
                    + ")";

    private Checkpoints() {}

    /**
     * Opens a GGUF file (of a split model its first file), a folder that holds exactly one GGUF
     * model, or a Hugging Face folder. A tokenizer.json or chat_template.jinja in an opened folder
     * goes before what a GGUF file in it says.
     *
     * @throws CheckpointException if there is none, if it is damaged, or if it is not supported
     */
    public static Checkpoint open(Path location) throws CheckpointException {
        if (Files.isDirectory(location)) {
            return openFolder(location);
        }
        if (!Files.exists(location)) {
            throw new CheckpointException(location, "no such file or folder; " + ACCEPTED);
        }
        if (name(location).endsWith(".safetensors")) {
            throw new CheckpointException(
                    location,
                    "a safetensors file says nothing about the model; open the folder it lies in,"
                            + " beside its config.json");
        }
        return GgufCheckpoint.open(location, location, SideFiles.NONE);
    }

    private static Checkpoint openFolder(Path folder) throws CheckpointException {
        List<String> names;
        try (Stream<Path> files = Files.list(folder)) {
            names = files.map(Checkpoints::name).sorted().toList();
        } catch (IOException e) {
            throw new CheckpointException(folder, "cannot be listed: " + e.getMessage(), e);
        }
        List<String> models =
                names.stream()
                        .filter(name -> name.endsWith(".gguf"))
                        .filter(name -> GgufCheckpoint.shardNumber(name).orElse(1) == 1)
                        .toList();
        boolean weights =
                names.contains(HuggingFaceCheckpoint.SINGLE)
                        || names.contains(HuggingFaceCheckpoint.INDEX);
        if (models.size() == 1 && !weights) {
            Path first = folder.resolve(models.get(0));
            return GgufCheckpoint.open(folder, first, SideFiles.in(folder));
        }
        if (!models.isEmpty()) {
            throw new CheckpointException(
                    folder,
                    "holds more than one model: "
                            + String.join(", ", models)
                            + (weights ? " and safetensors files" : "")
                            + "; open the .gguf file itself, or keep one model in the folder");
        }
        if (weights && names.contains(HuggingFaceCheckpoint.CONFIG)) {
            return HuggingFaceCheckpoint.open(folder);
        }
        throw new CheckpointException(
                folder, "holds no model; " + ACCEPTED + ", found " + listing(names));
    }

    private static String listing(List<String> names) {
        if (names.isEmpty()) {
            return "nothing";
        }
        String first = names.stream().limit(8).collect(Collectors.joining(", "));
        return names.size() > 8 ? first + " and " + (names.size() - 8) + " more" : first;
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }
}
