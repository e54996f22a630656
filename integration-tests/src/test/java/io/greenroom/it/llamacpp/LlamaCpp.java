package io.greenroom.it.llamacpp;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** llama.cpp, through the npm package node-llama-cpp and a script of ours. */
final class LlamaCpp {

    private static final Path FOLDER = Path.of("reference/llama-cpp");
    private static final Path LOG = Path.of("target/llama-cpp.log");
    private static final long LIMIT_MINUTES = 5;
    private static final Gson GSON = new Gson();

    private LlamaCpp() {}

    /** What the script is asked. */
    private record Question(String model, List<List<Integer>> prompts, int tokens) {}

    /**
     * What it answers.
     *
     * @param llamaCpp version
     * @param greedy for each prompt the tokens that follow, up to and with an end token
     */
    record Answer(String llamaCpp, List<List<Integer>> greedy) {}

    /** Why it cannot run here, if so. */
    static Optional<String> missing() {
        if (!Files.isDirectory(FOLDER.resolve("node_modules/node-llama-cpp"))) {
            return Optional.of(
                    "node-llama-cpp is not installed: npm ci --prefix integration-tests/" + FOLDER);
        }
        try {
            Process node = new ProcessBuilder("node", "--version").start();
            return node.waitFor() == 0 ? Optional.empty() : Optional.of("node does not run");
        } catch (IOException e) {
            return Optional.of("there is no node: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("interrupted");
        }
    }

    /** Continues each prompt greedily. */
    static Answer greedy(Path model, List<List<Integer>> prompts, int tokens)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile(LOG.getParent(), "llama-cpp", ".json");
        Process node =
                new ProcessBuilder("node", FOLDER.resolve("greedy.mjs").toString())
                        .redirectError(LOG.toFile())
                        .redirectOutput(output.toFile())
                        .start();
        try (OutputStream in = node.getOutputStream()) {
            in.write(
                    GSON.toJson(new Question(model.toAbsolutePath().toString(), prompts, tokens))
                            .getBytes(StandardCharsets.UTF_8));
        }
        if (!node.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
            node.destroyForcibly();
            throw new IOException("llama.cpp did not answer in " + LIMIT_MINUTES + " minutes");
        }
        if (node.exitValue() != 0) {
            throw new IOException("llama.cpp failed:\n" + Files.readString(LOG));
        }
        return GSON.fromJson(Files.readString(output), Answer.class);
    }
}
