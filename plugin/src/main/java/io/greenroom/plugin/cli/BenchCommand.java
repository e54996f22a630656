package io.greenroom.plugin.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Comparisons of ways to run a model, on the machine that will run it. */
@Command(
        name = "bench",
        description = {
            "Compares ways to run one model on this machine.",
            "Runs of the ways alternate, each with a freshly loaded model and a cold cache, the"
                    + " same prompt and the same seed; the tokens must be identical."
        },
        subcommands = {
            DecodeBenchCommand.class,
            LadderCommand.class,
            PrefetchBenchCommand.class,
            BudgetBenchCommand.class,
            WarmBenchCommand.class,
            TelemetryBenchCommand.class,
            RecordSizeCommand.class
        },
        synopsisSubcommandLabel = "COMPARISON")
final class BenchCommand implements Runnable {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing required subcommand");
    }
}
