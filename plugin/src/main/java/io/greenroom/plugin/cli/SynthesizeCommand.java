package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.synthetic.Geometry;
import io.greenroom.offload.synthetic.ModelWriter;
import io.greenroom.offload.synthetic.Recipe;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Writes a model of random weights. */
@Command(
        name = "synthesize",
        description = {
            "Writes a GGUF file of any geometry with seeded random weights, for measuring speed and"
                    + " memory without a checkpoint. What it says means nothing.",
            "The same options make the same bytes."
        })
final class SynthesizeCommand implements Callable<Integer> {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    private static final int MOST_THREADS = 4;

    private static final int REPORT_TOKENS = 256;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private GeometrySettings geometry = new GeometrySettings();

    @Option(
            names = "--type",
            defaultValue = "q4_0",
            paramLabel = "TYPE",
            converter = TypeName.class,
            description = "q4_0 (default), q8_0, f16, bf16 or f32.")
    private TensorType type = TensorType.Q4_0;

    @Option(
            names = "--seed",
            defaultValue = "1",
            paramLabel = "N",
            description = "Of all weights (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(
            names = "--skew",
            defaultValue = "0",
            paramLabel = "Z",
            description =
                    "How unevenly experts are used: the expert of rank r about in proportion to"
                            + " r^-Z, with another ranking in each layer (default:"
                            + " ${DEFAULT-VALUE}, even).")
    private double skew;

    @Option(
            names = "--similarity",
            defaultValue = "0.95",
            paramLabel = "S",
            description =
                    "Cosine of the residual stream between consecutive gates: the higher, the"
                            + " better a layer's experts can be foreseen (default:"
                            + " ${DEFAULT-VALUE}).")
    private double similarity;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The new file.")
    private Path out = Path.of("");

    @Option(
            names = "--report",
            description = "Read random tokens with the new model and print how it routes them.")
    private boolean report;

    @Option(names = "--json", description = "Print the figures as one JSON object.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter stdout = spec.commandLine().getOut();
        Recipe recipe = recipe();
        long start = System.nanoTime();
        long bytes = write(recipe);
        double seconds = (System.nanoTime() - start) / 1e9;
        int tokens = Math.min(REPORT_TOKENS, recipe.geometry().contextLength());
        RoutingReport routing =
                report
                        ? RoutingReport.measure(out, tokens, seed, spec.commandLine().getErr())
                        : null;
        if (json) {
            JsonObject result = new JsonObject();
            result.addProperty("file", out.toString());
            result.addProperty("bytes", bytes);
            result.addProperty("seconds", seconds);
            if (routing != null) {
                result.add("routing", routing.json());
            }
            stdout.println(GSON.toJson(result));
        } else {
            stdout.printf(
                    Locale.ROOT,
                    "%s: %s in %.1f s (%.0f MB/s)%n",
                    out,
                    ModelFacts.size(bytes),
                    seconds,
                    bytes / 1e6 / seconds);
            if (routing != null) {
                routing.print(stdout);
            }
        }
        stdout.flush();
        return 0;
    }

    private Recipe recipe() {
        try {
            Geometry sizes = geometry.geometry();
            return new Recipe(sizes, type, seed, skew, similarity);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private long write(Recipe recipe) throws IOException {
        int threads = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
        try (ProgressBar bar =
                new ProgressBar(
                        "Writing " + out.getFileName(),
                        ProgressBar.Unit.BYTES,
                        spec.commandLine().getErr())) {
            return ModelWriter.write(recipe, out, threads, bar::update);
        }
    }

    /** Types as GGUF files' names spell them. */
    static final class TypeName implements ITypeConverter<TensorType> {

        @Override
        public TensorType convert(String value) {
            for (TensorType type : Geometry.TYPES) {
                if (type.name().equalsIgnoreCase(value)) {
                    return type;
                }
            }
            throw new TypeConversionException(
                    "'"
                            + value.toLowerCase(Locale.ROOT)
                            + "' is none of q4_0, q8_0, f16, bf16, f32");
        }
    }
}
