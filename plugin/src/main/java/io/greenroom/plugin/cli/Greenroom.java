package io.greenroom.plugin.cli;

import io.greenroom.plugin.engine.GreenroomVersion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line: {@code greenroom demo|serve|generate} and tools. */
@Command(
        name = "greenroom",
        description = "Serves Mixture-of-Experts language models inside a memory budget.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = Greenroom.Version.class,
        subcommands = {
            DemoCommand.class,
            ServeCommand.class,
            GenerateCommand.class,
            BenchCommand.class,
            PackCommand.class,
            SynthesizeCommand.class,
            TraceCommand.class,
            PerplexityCommand.class,
            PlanCommand.class,
            PredictCommand.class,
            SimulateCommand.class
        },
        synopsisSubcommandLabel = "COMMAND",
        usageHelpAutoWidth = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:success", "1:it failed; the reason is on standard error", "2:bad usage"})
public final class Greenroom implements Runnable {

    @Spec private CommandSpec spec = CommandSpec.create();

    private boolean verbose;

    @Option(
            names = {"-v", "--verbose"},
            scope = ScopeType.INHERIT,
            description = "Log more, and show where failures come from.")
    void setVerbose(boolean on) {
        verbose = on;
        if (on) {
            Logs.verbose();
        }
    }

    /** Runs a command and ends the JVM with its exit code. */
    public static void main(String[] arguments) {
        Logs.quiet();
        System.exit(commandLine().execute(arguments));
    }

    /** The command line, ready to execute. */
    static CommandLine commandLine() {
        Greenroom root = new Greenroom();
        CommandLine commandLine = new CommandLine(root);
        commandLine.setExecutionExceptionHandler(
                (failure, failed, parsed) -> {
                    failed.getErr().println("greenroom: " + reason(failure));
                    if (root.verbose) {
                        failure.printStackTrace(failed.getErr());
                    }
                    return CommandLine.ExitCode.SOFTWARE;
                });
        return commandLine;
    }

    private static String reason(Throwable failure) {
        return failure.getMessage() == null ? failure.toString() : failure.getMessage();
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing required subcommand");
    }

    static final class Version implements IVersionProvider {

        @Override
        public String[] getVersion() {
            return new String[] {"greenroom " + GreenroomVersion.current()};
        }
    }
}
