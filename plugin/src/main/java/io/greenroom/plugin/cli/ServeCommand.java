package io.greenroom.plugin.cli;

import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Serves models of the user's own. */
@Command(
        name = "serve",
        description = {
            "Serves one or several models over HTTP, as DJL Serving with this plugin would.",
            "Options of a model follow its --model:",
            "  greenroom serve --model olmoe.gguf --budget 40%% --model qwen3/ --name qwen"
        })
final class ServeCommand implements Callable<Integer> {

    private static final Pattern LATER_PART =
            Pattern.compile(".*-(?!00001-)\\d{5}-of-\\d{5}\\.gguf");

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ListenSettings listen = new ListenSettings();

    @ArgGroup(exclusive = false, multiplicity = "0..*", heading = "%nPer model:%n")
    private List<ServedFolder> models = new ArrayList<>();

    @Option(
            names = "--model-store",
            paramLabel = "DIR",
            description =
                    "Serve every model below this folder: its .gguf files, and its folders that"
                            + " hold a serving.properties, a config.json or a .gguf file.")
    private @Nullable Path modelStore;

    @Option(
            names = "--empty",
            description = "Start even without a model; POST /models?url=PATH loads some later.")
    private boolean empty;

    /** A model and what belongs to it. */
    static final class ServedFolder {

        @Option(
                names = {"-m", "--model"},
                required = true,
                paramLabel = "PATH",
                description = "A GGUF file, or a folder with a checkpoint.")
        private Path path = Path.of("");

        @Option(
                names = {"-n", "--name"},
                paramLabel = "NAME",
                description = "The name clients ask for; that of the file or folder unless given.")
        private @Nullable String name;

        @ArgGroup(exclusive = false)
        private ModelSettings settings = new ModelSettings();

        ModelDefinition definition() throws IOException {
            String chosen = name == null ? ModelDefinition.nameOf(path) : name;
            return settings.definition(chosen, path);
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<ModelDefinition> definitions = definitions();
        try (HostSession session =
                HostSession.start(listen.settings(), definitions, spec.commandLine().getErr())) {
            session.announce(
                    spec.commandLine().getOut(),
                    List.of("Experts at work: " + session.host().url() + "/moe/dashboard"));
            session.await();
        }
        return 0;
    }

    private List<ModelDefinition> definitions() throws IOException {
        List<ModelDefinition> all = new ArrayList<>();
        for (ServedFolder model : models) {
            all.add(model.definition());
        }
        if (modelStore != null) {
            all.addAll(stored(modelStore));
        }
        if (all.isEmpty() && !empty) {
            throw new ParameterException(
                    spec.commandLine(),
                    "Nothing to serve: give --model PATH, --model-store DIR or --empty");
        }
        Map<String, Path> byName = new LinkedHashMap<>();
        for (ModelDefinition definition : all) {
            Path other = byName.put(definition.name(), definition.path());
            if (other != null) {
                throw new ParameterException(
                        spec.commandLine(),
                        "Two models are named "
                                + definition.name()
                                + " ("
                                + other
                                + " and "
                                + definition.path()
                                + "): give one another --name");
            }
        }
        return all;
    }

    /** The models of a store, by name. */
    static List<ModelDefinition> stored(Path store) throws IOException {
        if (!Files.isDirectory(store)) {
            throw new IOException("--model-store " + store + " is not a folder");
        }
        List<ModelDefinition> found = new ArrayList<>();
        try (Stream<Path> entries = Files.list(store)) {
            for (Path entry : entries.sorted().toList()) {
                if (isModel(entry)) {
                    found.add(ModelDefinition.read(ModelDefinition.nameOf(entry), entry));
                }
            }
        }
        if (found.isEmpty()) {
            throw new IOException(
                    "--model-store "
                            + store
                            + " holds no model: no .gguf file, and no folder with a"
                            + " serving.properties, a config.json or a .gguf file");
        }
        return found;
    }

    private static boolean isModel(Path entry) throws IOException {
        if (Files.isRegularFile(entry)) {
            return isGguf(entry);
        }
        if (!Files.isDirectory(entry)) {
            return false;
        }
        try (Stream<Path> inside = Files.list(entry)) {
            return inside.anyMatch(
                    file ->
                            isGguf(file)
                                    || file.endsWith("config.json")
                                    || file.endsWith("serving.properties"));
        }
    }

    private static boolean isGguf(Path file) {
        String name = file.getFileName().toString();
        // Of a split file the first part stands for all.
        return name.endsWith(".gguf") && !LATER_PART.matcher(name).matches();
    }
}
