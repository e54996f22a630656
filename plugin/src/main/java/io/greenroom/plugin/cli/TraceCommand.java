package io.greenroom.plugin.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Routing traces: {@code greenroom trace record|info|csv}. */
@Command(
        name = "trace",
        description = {
            "Records which experts a model's routers choose, and looks at such records.",
            "A running server records with option.trace; docs/traces.md says more."
        },
        subcommands = {TraceRecordCommand.class, TraceInfoCommand.class, TraceCsvCommand.class},
        synopsisSubcommandLabel = "COMMAND")
final class TraceCommand implements Runnable {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing required subcommand");
    }
}
