package io.greenroom.plugin.cli;

import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.lowbit.LowBitPacker;
import io.greenroom.offload.lowbit.LowBitType;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.Fingerprint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Makes low-bit copies of a model's experts. */
@Command(
        name = "pack",
        description = {
            "Makes low-bit copies of a model's experts, in a file of their own beside the model.",
            "Served with --low-bit FILE (option.low_bit), an expert that is not in memory and"
                    + " matters little to a token is replaced by its copy. Interrupted, the same"
                    + " command goes on where it stopped. The error is the root mean square of what"
                    + " rounding changed, relative to that of the weights."
        })
final class PackCommand implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            description = "A GGUF file or a checkpoint's folder; the demo model unless given.")
    private @Nullable Path model;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            defaultValue = "${sys:greenroom.home:-.}",
            description = "Where Greenroom's sources lie (set by the launcher).")
    private Path home = Path.of(".");

    @Option(
            names = "--low-bit",
            required = true,
            paramLabel = "TYPE",
            converter = TypeName.class,
            description =
                    "q4_0, 4.5 bits per weight, for models of 8 bits and more; or q2_g32, 2.5 bits"
                            + " per weight.")
    private LowBitType type = LowBitType.Q4_0;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The new file.")
    private Path out = Path.of("");

    @Option(names = "--json", description = "Print the figures as one JSON object.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Path path = model == null ? DemoCommand.demoModel(home) : model;
        Checkpoint checkpoint = Checkpoints.open(path);
        long start = System.nanoTime();
        PackReport report =
                new PackReport(json, spec.commandLine().getOut(), spec.commandLine().getErr());
        long bytes;
        try (NativeKernels kernels = new NativeKernels(Runtime.getRuntime().availableProcessors());
                ProgressBar bar =
                        new ProgressBar(
                                "Packing " + path.getFileName(),
                                ProgressBar.Unit.COUNT,
                                spec.commandLine().getErr())) {
            LowBitPacker packer =
                    new LowBitPacker(
                            checkpoint,
                            Fingerprint.of(checkpoint),
                            type,
                            kernels,
                            new NativeAllocator());
            bytes = packer.fileBytes();
            packer.pack(out, report.over(bar));
        }
        long expertBytes = ExpertLayout.of(checkpoint).allExpertBytes();
        report.end(out, type, bytes, expertBytes, (System.nanoTime() - start) / 1e9);
        return 0;
    }

    /** Types as they are written. */
    static final class TypeName implements ITypeConverter<LowBitType> {

        @Override
        public LowBitType convert(String value) {
            for (LowBitType type : LowBitType.values()) {
                if (type.label().equalsIgnoreCase(value)) {
                    return type;
                }
            }
            throw new TypeConversionException("'" + value + "' is neither q4_0 nor q2_g32");
        }
    }
}
