package io.greenroom.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.asset.FileAsset;
import org.jboss.shrinkwrap.api.asset.StringAsset;

/** The models tests deploy, as archives of model folders. */
public final class TestModels {

    /** Another demo model than the repository's, for who works on it. */
    private static final String DEMO_PROPERTY = "greenroom.demo.model";

    private static final Path DEMO_FOLDER = Path.of("demo-model");
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");

    private TestModels() {}

    /** The demo model: big enough for a generation to take a while. */
    public static Path demo() {
        String other = System.getProperty(DEMO_PROPERTY, "");
        return other.isBlank() ? gguf(DEMO_FOLDER) : Path.of(other);
    }

    /** A model of some kilobytes with random weights. */
    public static Path tiny() {
        return gguf(FIXTURES.resolve("qwen3moe-q8_0"));
    }

    private static Path gguf(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".gguf"))
                    .findFirst()
                    .orElseThrow(() -> new IOException("no .gguf file in " + folder));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An archive to which models can be added. */
    public static GenericArchive archive(String name) {
        return ShrinkWrap.create(GenericArchive.class, name + ".models");
    }

    /**
     * Adds a model folder to an archive.
     *
     * @param name the folder's name, which the model is registered by
     * @param options further lines of its serving.properties
     */
    public static GenericArchive add(
            GenericArchive archive, String name, Path checkpoint, String... options) {
        return archive.add(
                        new StringAsset(servingProperties(options)), name + "/serving.properties")
                .add(new FileAsset(checkpoint.toFile()), name + "/" + checkpoint.getFileName());
    }

    /** A serving.properties for one worker, as the engine wants it. */
    public static String servingProperties(String... options) {
        return String.join(
                        "\n",
                        Stream.concat(
                                        List.of("engine=MoE", "minWorkers=1", "maxWorkers=1")
                                                .stream(),
                                        Stream.of(options))
                                .toList())
                + "\n";
    }
}
