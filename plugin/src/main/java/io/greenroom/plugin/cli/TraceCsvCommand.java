package io.greenroom.plugin.cli;

import io.greenroom.cache.trace.RoutingTraceReader;
import io.greenroom.cache.trace.TraceCsv;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints a trace as comma-separated values. */
@Command(
        name = "csv",
        description = {
            "Prints a trace as comma-separated values: a line for each row and layer of each step.",
            "Columns: step, row, request, phase, begins, ends, layer, norm and similarity of the"
                    + " gate input, then experts (e), their probabilities (p) and the experts that"
                    + " were foreseen (f), each from the first rank up."
        })
final class TraceCsvCommand implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(index = "0", paramLabel = "FILE", description = "The trace.")
    private Path file = Path.of("");

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        try (RoutingTraceReader reader = RoutingTraceReader.open(file)) {
            TraceCsv csv = new TraceCsv(reader.header(), out);
            while (reader.hasNext() && !out.checkError()) {
                csv.write(reader.next());
            }
            reader.truncation()
                    .ifPresent(cut -> spec.commandLine().getErr().println("The trace " + cut));
        }
        out.flush();
        return 0;
    }
}
