package io.greenroom.plugin.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.plugin.telemetry.UsageJson;
import io.greenroom.plugin.telemetry.UsageRecord;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How large usage records are. */
@Command(
        name = "record-size",
        description = {
            "Prints how large usage records are: as JSON, compressed as a Kafka broker stores them,"
                    + " and a day of them.",
            "Nothing is loaded: routes drawn by chance, or those of a trace, go through the cache"
                    + " and its counters, with reads that take no time. Each record is a batch of"
                    + " its own, compressed with gzip."
        })
final class RecordSizeCommand implements Callable<Integer> {

    private static final double DAY_SECONDS = 24 * 3600;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "Take routes and shape from this routing trace.")
    private @Nullable Path trace;

    @Option(names = "--layers", defaultValue = "48", paramLabel = "N", description = "Default 48.")
    private int layers = 48;

    @Option(
            names = "--experts",
            defaultValue = "128",
            paramLabel = "N",
            description = "Of each layer (default: 128).")
    private int experts = 128;

    @Option(
            names = "--top-k",
            defaultValue = "8",
            paramLabel = "N",
            description = "Experts of each token (default: 8).")
    private int topK = 8;

    @Option(
            names = "--skew",
            defaultValue = "0.6",
            paramLabel = "Z",
            description =
                    "How unevenly experts are drawn, the one of rank r about as r^-Z (default: 0.6).")
    private double skew = 0.6;

    @Option(
            names = "--budget",
            defaultValue = "25",
            paramLabel = "PERCENT",
            description = "Share of the experts that have slots (default: 25).")
    private int budget = 25;

    @Option(
            names = "--rates",
            split = ",",
            defaultValue = "5,20,100,500",
            paramLabel = "N",
            description = "Tokens a second, prompts included (default: ${DEFAULT-VALUE}).")
    private List<Integer> rates = new ArrayList<>();

    @Option(
            names = "--intervals",
            split = ",",
            defaultValue = "1,5,15",
            paramLabel = "S",
            description = "Seconds that a record covers (default: ${DEFAULT-VALUE}).")
    private List<Integer> intervals = new ArrayList<>();

    @Option(
            names = "--seconds",
            defaultValue = "30",
            paramLabel = "S",
            description = "Of traffic, after as many to warm up (default: ${DEFAULT-VALUE}).")
    private int seconds = 30;

    @Option(names = "--json", description = "Print the figures as one JSON object.")
    private boolean json;

    /**
     * Sizes at one rate and interval, in bytes.
     *
     * @param raw of the JSON
     * @param stored as a compressed batch
     * @param perDay stored, in 24 hours without a pause
     */
    private record Row(int rate, int interval, Spread raw, Spread stored, double perDay) {}

    @Override
    public Integer call() throws InterruptedException {
        check();
        List<Row> rows = new ArrayList<>();
        RoutedRows.Shape shape = routes().shape();
        for (int rate : rates) {
            List<UsageRecord> records = traffic(rate);
            for (int interval : intervals) {
                rows.add(row(rate, interval, records));
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(new GsonBuilder().setPrettyPrinting().create().toJson(json(shape, rows)));
        } else {
            print(out, shape, rows);
        }
        out.flush();
        return 0;
    }

    private void check() {
        boolean positive = layers >= 1 && experts >= 1 && topK >= 1 && seconds >= 1 && skew >= 0;
        if (!positive || topK > experts || budget < 1 || budget > 100) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--layers, --experts, --top-k and --seconds must be at least 1, --top-k at most"
                            + " --experts, --skew at least 0, --budget from 1 to 100");
        }
        if (rates.stream().anyMatch(r -> r < 1)
                || intervals.stream().anyMatch(i -> i < 1 || i > seconds)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--rates must be at least 1, --intervals from 1 to --seconds ("
                            + seconds
                            + ")");
        }
        if (trace != null && !Files.isReadable(trace)) {
            throw new ParameterException(spec.commandLine(), "There is no trace at " + trace);
        }
    }

    private RoutedRows routes() {
        return trace == null
                ? RoutedRows.drawn(new RoutedRows.Shape(layers, experts, topK), skew, 1)
                : RoutedRows.of(trace);
    }

    private List<UsageRecord> traffic(int rate) throws InterruptedException {
        RoutedRows routes = routes();
        RoutedRows.Shape shape = routes.shape();
        int slots =
                Math.max(shape.expertsPerToken(), shape.layers() * shape.experts() * budget / 100);
        List<UsageRecord> records = new ArrayList<>();
        try (UsageTraffic traffic = new UsageTraffic(routes, rate, slots)) {
            for (int second = 0; second < 2 * seconds; second++) {
                UsageRecord record = traffic.second();
                if (second >= seconds) {
                    records.add(record);
                }
            }
        }
        return records;
    }

    private static Row row(int rate, int interval, List<UsageRecord> records) {
        List<Double> raw = new ArrayList<>();
        List<Double> stored = new ArrayList<>();
        double all = 0;
        for (int i = 0; i + interval <= records.size(); i += interval) {
            UsageRecord record =
                    records.subList(i, i + interval).stream()
                            .reduce(UsageRecord::plus)
                            .orElseThrow();
            byte[] value = UsageJson.toJson(record).getBytes(StandardCharsets.UTF_8);
            raw.add((double) value.length);
            double bytes = stored(record.origin().model(), value);
            stored.add(bytes);
            all += bytes;
        }
        double perDay = all / (stored.size() * interval) * DAY_SECONDS;
        return new Row(rate, interval, Spread.of(raw), Spread.of(stored), perDay);
    }

    /** Bytes of a record in a broker's log, with its batch. */
    private static int stored(String key, byte[] value) {
        SimpleRecord record =
                new SimpleRecord(1_750_000_000_000L, key.getBytes(StandardCharsets.UTF_8), value);
        return MemoryRecords.withRecords(Compression.gzip().build(), record).sizeInBytes();
    }

    private void print(PrintWriter out, RoutedRows.Shape shape, List<Row> rows) {
        out.printf(
                Locale.ROOT,
                "%d layers x %d experts, %d for each token, %s, %d %% of them in memory%n",
                shape.layers(),
                shape.experts(),
                shape.expertsPerToken(),
                trace == null ? "drawn with skew " + skew : "routed as in " + trace.getFileName(),
                budget);
        out.println("tokens/s  interval   JSON, largest   stored, median    largest   24 h");
        for (Row row : rows) {
            out.printf(
                    Locale.ROOT,
                    "%8d %7d s %10.1f KB %13.1f KB %7.1f KB %6.0f MB%n",
                    row.rate(),
                    row.interval(),
                    row.raw().most() / 1e3,
                    row.stored().median() / 1e3,
                    row.stored().most() / 1e3,
                    row.perDay() / 1e6);
        }
    }

    private JsonObject json(RoutedRows.Shape shape, List<Row> rows) {
        JsonObject all = new JsonObject();
        all.addProperty("layers", shape.layers());
        all.addProperty("experts_per_layer", shape.experts());
        all.addProperty("experts_per_token", shape.expertsPerToken());
        all.addProperty("budget_share", budget / 100.0);
        JsonArray table = new JsonArray();
        for (Row row : rows) {
            JsonObject one = new JsonObject();
            one.addProperty("tokens_per_second", row.rate());
            one.addProperty("interval_seconds", row.interval());
            one.add("json_bytes", row.raw().toJson());
            one.add("stored_bytes", row.stored().toJson());
            one.addProperty("stored_bytes_per_day", row.perDay());
            table.add(one);
        }
        all.add("records", table);
        return all;
    }
}
