package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.trace.RoutingTraceReader;
import io.greenroom.cache.trace.TraceEnd;
import io.greenroom.cache.trace.TraceFigures;
import io.greenroom.cache.trace.TraceHeader;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what a trace holds. */
@Command(
        name = "info",
        description = {
            "Says what a trace is of and what it holds.",
            "For each layer: entropy of the experts' load, divided by that of an even one;"
                    + " \"repeated\", the share of a token's experts that the token before chose"
                    + " too; \"steps\", the same for the distinct experts of whole steps; and the"
                    + " mean similarity of the gate input with that of the layer before."
        })
final class TraceInfoCommand implements Callable<Integer> {

    private static final Gson GSON =
            new GsonBuilder()
                    .setPrettyPrinting()
                    .disableHtmlEscaping()
                    .serializeSpecialFloatingPointValues()
                    .create();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(index = "0", paramLabel = "FILE", description = "The trace.")
    private Path file = Path.of("");

    @Option(names = "--json", description = "Print the figures as one JSON object.")
    private boolean json;

    /** All there is to say. */
    private record Findings(
            TraceHeader header,
            long size,
            TraceFigures figures,
            Map<String, Long> parts,
            String state,
            long dropped) {}

    @Override
    public Integer call() {
        Findings findings = read(file);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(GSON.toJson(json(findings)));
        } else {
            print(findings, out);
        }
        out.flush();
        return 0;
    }

    private static Findings read(Path file) {
        try (RoutingTraceReader reader = RoutingTraceReader.open(file)) {
            TraceFigures figures = TraceFigures.of(reader.header(), reader);
            String state =
                    reader.truncation()
                            .map(cut -> "not complete: the file " + cut)
                            .orElseGet(
                                    () ->
                                            reader.end().map(TraceEnd::limited).orElse(false)
                                                    ? "complete up to its size limit"
                                                    : "complete");
            return new Findings(
                    reader.header(),
                    reader.size(),
                    figures,
                    new TreeMap<>(reader.packedBytes()),
                    state,
                    reader.end().map(TraceEnd::dropped).orElse(0L));
        }
    }

    private void print(Findings findings, PrintWriter out) {
        TraceHeader header = findings.header();
        TraceFigures figures = findings.figures();
        out.printf("%s: %s, %s%n", file, ModelFacts.size(findings.size()), findings.state());
        out.printf("model       %s (%s)%n", header.model(), header.fingerprint());
        out.printf(
                Locale.ROOT,
                "shape       %d of %d layers route to %d of %d experts of %s; the %d most probable"
                        + " are recorded%n",
                header.moeLayers().length,
                header.layers(),
                header.expertsPerToken(),
                header.experts(),
                ModelFacts.size(header.expertBytes()[header.moeLayers()[0]]),
                header.topSet());
        out.printf(
                Locale.ROOT,
                "tokens      %d in %d steps of at most %d rows: %d of prompts, %d decoded%n",
                figures.prefillRows() + figures.decodeRows(),
                figures.steps(),
                figures.largestStep(),
                figures.prefillRows(),
                figures.decodeRows());
        out.printf(
                Locale.ROOT,
                "requests    %d, at most %d in a step; %d steps were left out%n",
                figures.requests(),
                figures.largestBatch(),
                findings.dropped());
        out.print("bytes      ");
        findings.parts()
                .forEach(
                        (part, bytes) ->
                                out.printf(
                                        Locale.ROOT,
                                        " %s %.1f %%",
                                        part,
                                        100.0 * bytes / Math.max(1, findings.size())));
        out.printf("%n%nlayer  entropy  repeated    steps  similarity%n");
        for (TraceFigures.Layer layer : figures.layers()) {
            out.printf(
                    Locale.ROOT,
                    "%5d  %7.3f  %6.1f %%  %5.1f %%  %s%n",
                    layer.layer(),
                    layer.entropy(),
                    100 * layer.repeated(),
                    100 * layer.repeatedVisits(),
                    Double.isNaN(layer.similarity())
                            ? "         -"
                            : String.format(Locale.ROOT, "%10.3f", layer.similarity()));
        }
    }

    private static JsonObject json(Findings findings) {
        TraceHeader header = findings.header();
        TraceFigures figures = findings.figures();
        JsonObject json = new JsonObject();
        json.addProperty("model", header.model());
        json.addProperty("fingerprint", header.fingerprint());
        json.addProperty("layers", header.layers());
        json.addProperty("experts", header.experts());
        json.addProperty("experts_per_token", header.expertsPerToken());
        json.addProperty("top_set", header.topSet());
        json.addProperty("predicted_set", header.predictedSet());
        json.addProperty("slot_bytes", header.slotBytes());
        json.addProperty("bytes", findings.size());
        json.addProperty("state", findings.state());
        json.addProperty("dropped_steps", findings.dropped());
        json.addProperty("steps", figures.steps());
        json.addProperty("prefill_tokens", figures.prefillRows());
        json.addProperty("decode_tokens", figures.decodeRows());
        json.addProperty("requests", figures.requests());
        json.addProperty("largest_step", figures.largestStep());
        json.addProperty("largest_batch", figures.largestBatch());
        JsonObject parts = new JsonObject();
        findings.parts().forEach(parts::addProperty);
        json.add("part_bytes", parts);
        JsonArray layers = new JsonArray();
        for (TraceFigures.Layer layer : figures.layers()) {
            JsonObject one = new JsonObject();
            one.addProperty("layer", layer.layer());
            one.addProperty("entropy", layer.entropy());
            one.addProperty("repeated", layer.repeated());
            one.addProperty("repeated_visits", layer.repeatedVisits());
            if (!Double.isNaN(layer.similarity())) {
                one.addProperty("similarity", layer.similarity());
            }
            layers.add(one);
        }
        json.add("moe_layers", layers);
        return json;
    }
}
