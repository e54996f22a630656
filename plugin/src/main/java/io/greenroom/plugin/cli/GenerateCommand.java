package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.plugin.host.LocalModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Loads a model in this process and continues one prompt. */
@Command(
        name = "generate",
        description = {
            "Continues one prompt, without a server.",
            "The text goes to standard output as it comes, the figures to standard error; with"
                    + " --json both become one JSON object on standard output."
        })
final class GenerateCommand implements Callable<Integer> {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ModelChoice choice = new ModelChoice();

    @Option(
            names = {"-p", "--prompt"},
            required = true,
            paramLabel = "TEXT",
            description = "What to answer, or with --raw to continue.")
    private String prompt = "";

    @Option(
            names = "--system",
            paramLabel = "TEXT",
            description = "A system message before the prompt.")
    private @Nullable String system;

    @Option(
            names = "--raw",
            description = "Continue the prompt as it stands, without the model's chat template.")
    private boolean raw;

    @Option(names = "--json", description = "Print text and figures as one JSON object.")
    private boolean json;

    @Mixin private SamplingSettings sampling = new SamplingSettings();

    @Mixin private ModelSettings settings = new ModelSettings();

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        StringBuilder text = new StringBuilder();
        AnswerReader reader =
                new AnswerReader(
                        piece -> {
                            text.append(piece);
                            if (!json) {
                                out.print(piece);
                                out.flush();
                            }
                        });
        GenerationFigures figures;
        try (LocalModel local = choice.load(settings, Map.of(), err)) {
            GenerationFigures.Start start = GenerationFigures.start(local.moe());
            local.request(request().toString(), reader);
            reader.end();
            figures = start.end(local.moe());
        }
        String error = reader.error();
        if (error != null) {
            throw new IOException(error);
        }
        if (json) {
            JsonObject result = new JsonObject();
            result.addProperty("text", text.toString());
            result.addProperty("finish_reason", reader.finishReason());
            figures.addTo(result);
            out.println(GSON.toJson(result));
        } else {
            out.println();
            err.println(figures.inWords() + ", ended by " + reader.finishReason());
        }
        out.flush();
        err.flush();
        return 0;
    }

    private JsonObject request() {
        JsonObject request = new JsonObject();
        request.addProperty("stream", true);
        if (raw) {
            request.addProperty("inputs", prompt);
            request.add("parameters", sampling.asParameters());
            return request;
        }
        JsonArray messages = new JsonArray();
        if (system != null) {
            messages.add(message("system", system));
        }
        messages.add(message("user", prompt));
        request.add("messages", messages);
        sampling.addToChat(request);
        return request;
    }

    private static JsonObject message(String role, String content) {
        JsonObject message = new JsonObject();
        message.addProperty("role", role);
        message.addProperty("content", content);
        return message;
    }
}
