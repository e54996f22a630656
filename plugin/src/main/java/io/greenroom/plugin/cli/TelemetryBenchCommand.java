package io.greenroom.plugin.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.plugin.config.ConfigException;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.telemetry.SinkStatus;
import io.greenroom.plugin.telemetry.UsageJson;
import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageReporter;
import io.greenroom.plugin.telemetry.UsageSink;
import io.greenroom.plugin.telemetry.kafka.KafkaSettings;
import io.greenroom.plugin.telemetry.kafka.KafkaSink;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What telemetry costs in speed. */
@Command(
        name = "telemetry",
        description = {
            "Tokens per second without reports, with reports made into JSON, and with reports sent to"
                    + " Kafka, in one loaded model.",
            "Counting itself is part of all of them: it cannot be switched off. The three take turns;"
                    + " each generates the same tokens and finds the experts that the last run left."
                    + " Let a run take ten seconds or more, and rounds be many.",
            "The broker at --bootstrap-servers is not started here. On this machine it takes its part"
                    + " of the cores; on another one it takes none. Kafka's other settings are those"
                    + " of the environment (GREENROOM_KAFKA_CLIENT_...)."
        })
final class TelemetryBenchCommand implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private BenchSettings settings = new BenchSettings();

    @Option(
            names = "--budget",
            defaultValue = "50%",
            paramLabel = "BUDGET",
            description = "Memory for routed experts (default: 50%%).")
    private String budget = "50%";

    @Option(
            names = "--bootstrap-servers",
            paramLabel = "HOST:PORT",
            description = "A Kafka broker; without it, only the first two are compared.")
    private @Nullable String servers;

    @Option(
            names = "--interval",
            defaultValue = "1s",
            paramLabel = "TIME",
            description = "Between reports (default: ${DEFAULT-VALUE}).")
    private String interval = "1s";

    @Option(
            names = "--kafka-interval",
            defaultValue = "1s",
            paramLabel = "TIME",
            description =
                    "That a record sent to Kafka covers (default: ${DEFAULT-VALUE}, a fifth of what a"
                            + " server does unless told otherwise).")
    private String kafkaInterval = "1s";

    /** Telemetry of one kind, which looks at the model only while it is its turn. */
    private static final class Way {

        private final String name;
        private final @Nullable UsageReporter reporter; // null: none
        private final List<BenchRun.Result> results = new ArrayList<>();
        private volatile List<UsageReporter.Source> sources = List.of();

        Way(String name, PluginSettings settings, @Nullable UsageSink sink) {
            this.name = name;
            this.reporter =
                    sink == null
                            ? null
                            : new UsageReporter(
                                    () -> sources,
                                    settings.telemetryInterval(),
                                    Clock.systemUTC(),
                                    List.of(sink));
            if (reporter != null) {
                reporter.start();
            }
        }

        BenchRun.Result run(ServingModel model, BenchRun.Work work)
                throws IOException, InterruptedException {
            sources = List.of(new UsageReporter.Source("bench", model, Instant.now()));
            try {
                return BenchRun.answer(model, work);
            } finally {
                if (reporter != null) {
                    reporter.report(); // the rest belongs to this run
                }
                sources = List.of();
            }
        }

        @Nullable SinkStatus status() {
            return reporter == null ? null : reporter.sinks().get(0);
        }

        void close() {
            if (reporter != null) {
                reporter.close();
            }
        }
    }

    /** Makes records into text, and nothing of it. */
    private static final class TextSink implements UsageSink {

        private long bytes;

        @Override
        public String name() {
            return "text";
        }

        @Override
        public synchronized String state() {
            return bytes + " bytes so far";
        }

        @Override
        public synchronized void accept(UsageRecord record) {
            bytes += UsageJson.toJson(record).length();
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Way> ways = ways();
        try (ServingModel model =
                BenchRun.load(settings.definition(Map.of("expert_budget", budget)))) {
            compare(model, ways);
        } finally {
            ways.forEach(Way::close);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (settings.json()) {
            out.println(new GsonBuilder().setPrettyPrinting().create().toJson(json(ways)));
        } else {
            print(out, ways);
        }
        out.flush();
        for (Way way : ways) {
            SinkStatus status = way.status();
            if (status != null && status.delivered() == 0) {
                throw new IOException(
                        "No report of \""
                                + way.name
                                + "\" was delivered, so this says nothing of its cost: "
                                + status.state());
            }
        }
        return 0;
    }

    private List<Way> ways() throws IOException {
        Map<String, String> properties = new HashMap<>();
        properties.put("greenroom.telemetry-interval", interval);
        properties.put("greenroom.kafka.interval", kafkaInterval);
        if (servers != null) {
            properties.put("greenroom.kafka.bootstrap-servers", servers);
            properties.put("greenroom.kafka.topic-create", "true");
        }
        try {
            PluginSettings plugin = new PluginSettings(properties, System.getenv());
            List<Way> ways = new ArrayList<>();
            ways.add(new Way("off", plugin, null));
            ways.add(new Way("reports", plugin, new TextSink()));
            if (servers != null) {
                ways.add(
                        new Way("kafka", plugin, new KafkaSink(new KafkaSettings(plugin), plugin)));
            }
            return ways;
        } catch (ConfigException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private void compare(ServingModel model, List<Way> ways)
            throws IOException, InterruptedException {
        BenchRun.Work work = settings.work();
        int done = 0;
        int all = ways.size() * settings.repeat() + 1;
        try (ProgressBar bar =
                new ProgressBar("Telemetry", ProgressBar.Unit.COUNT, spec.commandLine().getErr())) {
            // Not counted: it warms the JVM up, and the cache.
            int[] tokens = ways.get(ways.size() - 1).run(model, work).tokens();
            bar.update(++done, all);
            for (int round = 0; round < settings.repeat(); round++) {
                List<Way> order = new ArrayList<>(ways);
                Collections.rotate(order, round);
                for (Way way : order) {
                    BenchRun.Result result = way.run(model, work);
                    if (!Arrays.equals(tokens, result.tokens())) {
                        throw new IOException(
                                "The tokens of \"" + way.name + "\" differ from the first run's");
                    }
                    way.results.add(result);
                    bar.update(++done, all);
                }
            }
        }
    }

    /** Speed of one way over that of none, round by round. */
    private static List<Double> ratios(Way way, Way off) {
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < way.results.size(); round++) {
            ratios.add(
                    way.results.get(round).tokensPerSecond()
                            / off.results.get(round).tokensPerSecond());
        }
        return ratios;
    }

    /** Mean cost in percent of the tokens per second, and its standard error. */
    private static double[] cost(List<Double> ratios) {
        double mean = ratios.stream().mapToDouble(r -> 100 * (1 - r)).average().orElse(0);
        double squares = ratios.stream().mapToDouble(r -> Math.pow(100 * (1 - r) - mean, 2)).sum();
        int n = ratios.size();
        return new double[] {mean, n < 2 ? Double.NaN : Math.sqrt(squares / (n - 1) / n)};
    }

    private static Spread speed(Way way) {
        return Spread.of(way.results.stream().map(BenchRun.Result::tokensPerSecond).toList());
    }

    private void print(PrintWriter out, List<Way> ways) {
        Way off = ways.get(0);
        out.printf("%-10s %-24s %-24s %s%n", "", "tokens/s", "times as fast as off", "costs");
        for (Way way : ways) {
            List<Double> ratios = ratios(way, off);
            double[] cost = cost(ratios);
            out.printf(
                    Locale.ROOT,
                    "%-10s %-24s %-24s %.2f %% (standard error %.2f)%n",
                    way.name,
                    speed(way).inWords(2),
                    Spread.of(ratios).inWords(4),
                    cost[0],
                    cost[1]);
        }
        for (Way way : ways) {
            SinkStatus status = way.status();
            if (status != null) {
                out.printf(
                        "%s: %d reports delivered, %d failed, %d dropped; %s%n",
                        way.name,
                        status.delivered(),
                        status.failed(),
                        status.dropped(),
                        status.state());
            }
        }
        out.printf(
                Locale.ROOT,
                "%d rounds, a run takes %.1f s, a report every %s, a record to Kafka every %s. All"
                        + " runs produced the same tokens.%n",
                settings.repeat(),
                off.results.get(0).seconds(),
                interval,
                kafkaInterval);
    }

    private JsonObject json(List<Way> ways) {
        JsonObject all = new JsonObject();
        all.addProperty("budget", budget);
        all.addProperty("interval", interval);
        all.addProperty("kafka_interval", kafkaInterval);
        JsonArray table = new JsonArray();
        for (Way way : ways) {
            List<Double> ratios = ratios(way, ways.get(0));
            double[] cost = cost(ratios);
            JsonObject one = new JsonObject();
            one.addProperty("way", way.name);
            one.add("tokens_per_second", speed(way).toJson());
            one.add("times_as_fast_as_off", Spread.of(ratios).toJson());
            one.addProperty("cost_percent", cost[0]);
            if (!Double.isNaN(cost[1])) {
                one.addProperty("cost_percent_standard_error", cost[1]);
            }
            SinkStatus status = way.status();
            if (status != null) {
                one.addProperty("reports_delivered", status.delivered());
                one.addProperty("reports_failed", status.failed());
                one.addProperty("reports_dropped", status.dropped());
                one.addProperty("state", status.state());
            }
            table.add(one);
        }
        all.add("ways", table);
        all.addProperty("tokens_identical", true);
        return all;
    }
}
