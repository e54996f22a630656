package io.greenroom.fleet;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The application's command line. */
@Command(
        name = "greenroom-fleet",
        mixinStandardHelpOptions = true,
        version = "greenroom-fleet",
        description = {
            "Adds up what all Greenroom replicas do: windows per model on one topic, and the heat"
                    + " that new replicas begin with on another. A Kafka Streams application: start"
                    + " as many as there are partitions, they share the work.",
            "Runs until it is told to end. Topics have to be there, unless the brokers create them."
        })
public final class Fleet implements Callable<Integer> {

    private static final FleetSettings DEFAULT = FleetSettings.DEFAULT;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--bootstrap-servers",
            required = true,
            paramLabel = "HOST:PORT,...",
            description = "Kafka brokers.")
    private String servers = "";

    @Option(
            names = "--application-id",
            defaultValue = "greenroom-fleet",
            paramLabel = "ID",
            description =
                    "Processes with the same id share the work; also the prefix of the stores'"
                            + " topics (default: ${DEFAULT-VALUE}).")
    private String applicationId = "greenroom-fleet";

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Properties of Kafka Streams and of Kafka's clients.")
    private @Nullable Path config;

    @Option(
            names = "--property",
            paramLabel = "KEY=VALUE",
            description = "One such property; wins over the file. May be repeated.")
    private Map<String, String> properties = new LinkedHashMap<>();

    @Option(
            names = "--usage-topic",
            defaultValue = "greenroom.expert-usage",
            paramLabel = "TOPIC",
            description = "Where the replicas send to (default: ${DEFAULT-VALUE}).")
    private String usageTopic = DEFAULT.usageTopic();

    @Option(
            names = "--fleet-topic",
            defaultValue = "greenroom.fleet-usage",
            paramLabel = "TOPIC",
            description = "Where the windows go (default: ${DEFAULT-VALUE}).")
    private String fleetTopic = DEFAULT.fleetTopic();

    @Option(
            names = "--heat-topic",
            defaultValue = "greenroom.heat",
            paramLabel = "TOPIC",
            description =
                    "Where the heat of all replicas together goes, or none (default:"
                            + " ${DEFAULT-VALUE}). Replicas then run with"
                            + " greenroom.heat-publish=false.")
    private String heatTopic = DEFAULT.heatTopic();

    @Option(
            names = "--rejected-topic",
            defaultValue = "greenroom.fleet-rejected",
            paramLabel = "TOPIC",
            description =
                    "Where records go that cannot be counted, with the reason in a header, or none"
                            + " (default: ${DEFAULT-VALUE}).")
    private String rejectedTopic = DEFAULT.rejectedTopic();

    @Option(
            names = "--windows",
            split = ",",
            defaultValue = "10s,1m",
            paramLabel = "TIME",
            description = "Lengths of the windows (default: ${DEFAULT-VALUE}).")
    private List<Duration> windows = DEFAULT.windows();

    @Option(
            names = "--grace",
            defaultValue = "30s",
            paramLabel = "TIME",
            description = "How late a record may be (default: ${DEFAULT-VALUE}).")
    private Duration grace = DEFAULT.grace();

    @Option(
            names = "--heat-interval",
            defaultValue = "1m",
            paramLabel = "TIME",
            description = "Least time between two heat records of a model (default: 1m).")
    private Duration heatInterval = DEFAULT.heatInterval();

    @Option(
            names = "--heat-half-life",
            defaultValue = "262144",
            paramLabel = "TOKENS",
            description =
                    "Tokens of all replicas together after which one counts half (default:"
                            + " ${DEFAULT-VALUE}).")
    private double heatHalfLife = DEFAULT.heatHalfLife();

    @Option(names = "--describe", description = "Print the topology and end.")
    private boolean describe;

    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** The command line, ready to parse. */
    public static CommandLine commandLine() {
        CommandLine line =
                new CommandLine(new Fleet())
                        .registerConverter(Duration.class, new Time())
                        .setExecutionExceptionHandler(
                                (e, failed, parsed) -> {
                                    failed.getErr().println("greenroom-fleet: " + e.getMessage());
                                    return 1;
                                });
        return line;
    }

    /** Reads "10s", "1m", "1h". */
    private static final class Time implements ITypeConverter<Duration> {

        @Override
        public Duration convert(String text) {
            if (!text.matches("\\d{1,6}[smh]")) {
                throw new TypeConversionException("write a time like 10s, 5m or 1h");
            }
            return Duration.parse("PT" + text.toUpperCase(Locale.ROOT));
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        FleetSettings settings = settings();
        Topology topology = FleetTopology.build(settings, System::currentTimeMillis);
        PrintWriter out = spec.commandLine().getOut();
        if (describe) {
            out.println(topology.describe());
            out.flush();
            return 0;
        }
        return run(new KafkaStreams(topology, streamsProperties()));
    }

    private FleetSettings settings() {
        if (windows.stream().anyMatch(Duration::isZero) || heatHalfLife <= 0) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "--windows and --heat-half-life must be above 0");
        }
        return new FleetSettings(
                usageTopic,
                fleetTopic,
                noneOr(heatTopic),
                noneOr(rejectedTopic),
                windows,
                grace,
                heatInterval,
                heatHalfLife);
    }

    private static String noneOr(String topic) {
        return topic.equals("none") ? "" : topic;
    }

    /**
     * The defaults, then the file, then single properties; what the topology needs cannot be set.
     */
    Properties streamsProperties() throws IOException {
        Properties all = new Properties();
        all.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "1000"); // how often windows are told
        if (config != null) {
            try (Reader reader = Files.newBufferedReader(config)) {
                all.load(reader);
            } catch (IOException | IllegalArgumentException e) {
                throw new IOException("The properties " + config + " cannot be read: " + e, e);
            }
        }
        all.putAll(properties);
        all.put(StreamsConfig.APPLICATION_ID_CONFIG, applicationId);
        all.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        return all;
    }

    private static int run(KafkaStreams streams) throws InterruptedException {
        CountDownLatch over = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        streams.setUncaughtExceptionHandler(
                error -> {
                    failure.set(error);
                    over.countDown();
                    return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
                });
        Thread hook =
                new Thread(
                        () -> {
                            over.countDown();
                            awaitQuietly(ended);
                        },
                        "greenroom-fleet-shutdown");
        Runtime.getRuntime().addShutdownHook(hook);
        try (streams) {
            streams.start();
            over.await();
        } finally {
            ended.countDown();
        }
        Throwable cause = failure.get();
        if (cause != null) {
            throw new IllegalStateException(String.valueOf(cause.getMessage()), cause);
        }
        return 0;
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
