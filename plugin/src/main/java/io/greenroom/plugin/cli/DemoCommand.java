package io.greenroom.plugin.cli;

import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves the demo model that comes with the sources. */
@Command(
        name = "demo",
        description = {
            "Serves the demo model, a small Mixture-of-Experts model trained for this project, with"
                    + " a quarter of its experts in memory and the rest on disk.",
            "Runs in the embedded host; production belongs in DJL Serving."
        })
final class DemoCommand implements Callable<Integer> {

    /** The name clients ask for. */
    static final String MODEL = "greenroom-demo";

    private static final String QUESTION = "Write in the style of the King James Bible.";
    private static final String FOLDER = "integration-tests/demo-model";

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ListenSettings listen = new ListenSettings();

    @Option(
            names = "--budget",
            paramLabel = "BUDGET",
            defaultValue = "25%",
            description =
                    "Memory for routed experts: a size (2MiB), a share of all experts"
                            + " (default: ${DEFAULT-VALUE}) or auto.")
    private String budget = "25%";

    @Option(
            names = "--home",
            paramLabel = "DIR",
            defaultValue = "${sys:greenroom.home:-.}",
            description = "Where Greenroom's sources lie (set by the launcher).")
    private Path home = Path.of(".");

    @Override
    public Integer call() throws IOException, InterruptedException {
        ModelDefinition model =
                ModelDefinition.read(MODEL, demoModel(home))
                        .withOptions(Map.of("expert_budget", budget));
        try (HostSession session =
                HostSession.start(listen.settings(), List.of(model), spec.commandLine().getErr())) {
            session.announce(spec.commandLine().getOut(), invitation(session.host().url()));
            session.await();
        }
        return 0;
    }

    private static List<String> invitation(String url) {
        return List.of(
                "Ask it something:",
                "",
                "  curl -N " + url + "/v1/chat/completions \\",
                "    -H 'Content-Type: application/json' \\",
                "    -d '{\"model\": \"" + MODEL + "\", \"stream\": true,",
                "         \"temperature\": 0.7, \"max_tokens\": 60,",
                "         \"messages\": [{\"role\": \"user\", \"content\": \""
                        + QUESTION
                        + "\"}]}'",
                "",
                "See its experts at work: " + url + "/moe/dashboard");
    }

    /** The model's GGUF file below the sources. */
    static Path demoModel(Path home) throws IOException {
        Path folder = home.resolve(FOLDER).toAbsolutePath().normalize();
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                List<Path> models =
                        files.filter(file -> file.toString().endsWith(".gguf")).sorted().toList();
                if (!models.isEmpty()) {
                    return models.get(0);
                }
            }
        }
        throw new IOException(
                "There is no demo model: "
                        + folder
                        + " holds no .gguf file. Run ./greenroom of a complete checkout, or name its"
                        + " folder with --home; other models are served by \"greenroom serve\".");
    }
}
