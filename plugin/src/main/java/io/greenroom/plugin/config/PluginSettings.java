package io.greenroom.plugin.config;

import io.greenroom.cache.ByteSize;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Settings of the whole plugin: a system property {@code greenroom.x-y}, else the environment
 * variable {@code GREENROOM_X_Y}, else the default. Read once, when the plugin starts.
 */
@Singleton
public final class PluginSettings {

    private static final String PREFIX = "greenroom.";
    private static final String KAFKA_CLIENT_PROPERTY = "greenroom.kafka.client.";
    private static final String KAFKA_CLIENT_VARIABLE = "GREENROOM_KAFKA_CLIENT_";

    static final OptionKey<ByteSize> MAX_REQUEST =
            new OptionKey<>(
                    "greenroom.max-request",
                    "a size",
                    "`16MiB`",
                    "Largest body of a request to a model of this engine; larger ones get status"
                            + " 413. The server has a limit of its own before this one"
                            + " (`max_request_size`, 64 MiB).",
                    new ByteSize(16 << 20),
                    ByteSize::parse);

    static final OptionKey<ByteSize> MAX_UNSENT =
            new OptionKey<>(
                    "greenroom.max-unsent",
                    "a size",
                    "`4MiB`",
                    "Bytes of one answer that may wait for its client to read; a client further"
                            + " behind is disconnected.",
                    new ByteSize(4 << 20),
                    ByteSize::parse);

    static final OptionKey<Optional<ByteSize>> TOTAL_BUDGET =
            new OptionKey<>(
                    "greenroom.total-budget",
                    "a size",
                    "no limit",
                    "Native bytes for the experts of all models together. Each model has at least its"
                            + " `budget_floor`; what is left is shared by `budget_weight`, up to each"
                            + " model's `expert_budget`. A model that is loaded takes its share from"
                            + " the others, one that is unloaded leaves it to them.",
                    Optional.empty(),
                    text -> Optional.of(ByteSize.parse(text)));

    static final OptionKey<Boolean> REMOTE_MANAGEMENT =
            new OptionKey<>(
                    "greenroom.remote-management",
                    "`true`, `false`",
                    "`false`",
                    "Whether the plugin's calls that change state (`PUT /moe/models/{m}/budget`) are"
                            + " accepted from other machines on an address that also serves"
                            + " inference. On a management address of its own, and over the loopback"
                            + " interface, they always are.",
                    false,
                    Parsers.bool());

    static final OptionKey<Duration> TELEMETRY_INTERVAL =
            new OptionKey<>(
                    "greenroom.telemetry-interval",
                    "a time from 100ms to 1h (`500ms`, `5s`, `1m`)",
                    "`1s`",
                    "How often the usage of experts is reported to the telemetry sinks; a model that"
                            + " did nothing reports nothing.",
                    Duration.ofSeconds(1),
                    Parsers.duration(Duration.ofMillis(100), Duration.ofHours(1)));

    static final OptionKey<Boolean> TELEMETRY_LOG =
            new OptionKey<>(
                    "greenroom.telemetry-log",
                    "`true`, `false`",
                    "`false`",
                    "Whether each report is also a line in the log (logger `greenroom.usage`).",
                    false,
                    Parsers.bool());

    static final OptionKey<Optional<Path>> HEAT_DIR =
            new OptionKey<>(
                    "greenroom.heat-dir",
                    "a folder",
                    "no files",
                    "Where the heat of each checkpoint is kept, a file of some kilobytes for each, so"
                            + " that a model that is loaded again begins with its hottest experts in"
                            + " memory. Replicas that see the same folder share it. It is made if it"
                            + " is not there.",
                    Optional.empty(),
                    Parsers.folder());

    static final OptionKey<Duration> HEAT_INTERVAL =
            new OptionKey<>(
                    "greenroom.heat-interval",
                    "a time from 1s to 24h",
                    "`1m`",
                    "How often each model's heat is looked at, and published if a replica that began"
                            + " with what was published last would lose 5 % of its hits.",
                    Duration.ofMinutes(1),
                    Parsers.duration(Duration.ofSeconds(1), Duration.ofHours(24)));

    static final OptionKey<Boolean> HEAT_PUBLISH =
            new OptionKey<>(
                    "greenroom.heat-publish",
                    "`true`, `false`",
                    "`true`",
                    "Whether this replica publishes heat. Set it to `false` where the fleet"
                            + " aggregation publishes that of all replicas together.",
                    true,
                    Parsers.bool());

    static final OptionKey<Duration> HEAT_READ_TIMEOUT =
            new OptionKey<>(
                    "greenroom.heat-read-timeout",
                    "a time from 100ms to 5m",
                    "`3s`",
                    "How long loading a model waits for its heat to be read; then it begins cold.",
                    Duration.ofSeconds(3),
                    Parsers.duration(Duration.ofMillis(100), Duration.ofMinutes(5)));

    static final OptionKey<Duration> WARM_TIMEOUT =
            new OptionKey<>(
                    "greenroom.warm-timeout",
                    "a time from 0s to 1h",
                    "`10s`",
                    "How long loading a model waits for its hottest experts to be read. What is"
                            + " missing then is read in the background, behind what requests need.",
                    Duration.ofSeconds(10),
                    Parsers.duration(Duration.ZERO, Duration.ofHours(1)));

    static final OptionKey<Optional<String>> KAFKA_SERVERS =
            new OptionKey<>(
                    "greenroom.kafka.bootstrap-servers",
                    "`host:port`, several with commas between",
                    "nothing is sent to Kafka",
                    "Where the Kafka brokers are that usage records go to"
                            + " ([telemetry](telemetry.md)).",
                    Optional.empty(),
                    text -> Optional.of(Parsers.servers().apply(text)));

    static final OptionKey<String> KAFKA_TOPIC =
            new OptionKey<>(
                    "greenroom.kafka.topic",
                    "a topic's name",
                    "`greenroom.expert-usage`",
                    "The topic of the usage records.",
                    "greenroom.expert-usage",
                    Parsers.topic());

    static final OptionKey<String> KAFKA_HEAT_TOPIC =
            new OptionKey<>(
                    "greenroom.kafka.heat-topic",
                    "a topic's name, `none`",
                    "`greenroom.heat`",
                    "The compacted topic of heat, which new replicas begin with"
                            + " ([warm start](warm-start.md)).",
                    "greenroom.heat",
                    text -> text.trim().equals("none") ? "" : Parsers.topic().apply(text));

    static final OptionKey<Duration> KAFKA_INTERVAL =
            new OptionKey<>(
                    "greenroom.kafka.interval",
                    "a time from 100ms to 1h",
                    "`5s`",
                    "How much time a record sent to Kafka covers at least: reports of"
                            + " `greenroom.telemetry-interval` are added up until then.",
                    Duration.ofSeconds(5),
                    Parsers.duration(Duration.ofMillis(100), Duration.ofHours(1)));

    static final OptionKey<Boolean> KAFKA_TOPIC_CREATE =
            new OptionKey<>(
                    "greenroom.kafka.topic-create",
                    "`true`, `false`",
                    "`false`",
                    "Whether a topic that is not there is created before the first record.",
                    false,
                    Parsers.bool());

    static final OptionKey<Optional<Integer>> KAFKA_TOPIC_PARTITIONS =
            new OptionKey<>(
                    "greenroom.kafka.topic-partitions",
                    "1 to 10000",
                    "the broker's default",
                    "Partitions of a topic that is created.",
                    Optional.empty(),
                    text -> Optional.of(Parsers.integer(1, 10_000).apply(text)));

    static final OptionKey<Optional<Integer>> KAFKA_TOPIC_REPLICATION =
            new OptionKey<>(
                    "greenroom.kafka.topic-replication",
                    "1 to 100",
                    "the broker's default",
                    "Replicas of a topic that is created.",
                    Optional.empty(),
                    text -> Optional.of(Parsers.integer(1, 100).apply(text)));

    static final OptionKey<Optional<Path>> KAFKA_CONFIG_FILE =
            new OptionKey<>(
                    "greenroom.kafka.config-file",
                    "a file",
                    "none",
                    "Properties of Kafka's clients, by Kafka's own names, as its tools take them with"
                            + " `--command-config`; the place for passwords.",
                    Optional.empty(),
                    text -> Optional.of(Path.of(Parsers.file().apply(text))));

    /** All that begin so are properties of Kafka's clients; not in {@link #ALL}. */
    static final OptionKey<String> KAFKA_CLIENT =
            new OptionKey<>(
                    "greenroom.kafka.client.*",
                    "what Kafka accepts",
                    "Kafka's defaults, but for a few ([telemetry](telemetry.md))",
                    "Any property of Kafka's clients: `greenroom.kafka.client.security.protocol` is"
                            + " their `security.protocol`, and so is"
                            + " `GREENROOM_KAFKA_CLIENT_SECURITY_PROTOCOL`. They win over"
                            + " `greenroom.kafka.config-file`.",
                    "",
                    text -> text);

    static final OptionKey<Boolean> PROMETHEUS =
            new OptionKey<>(
                    "greenroom.prometheus",
                    "`true`, `false`",
                    "`true`",
                    "Whether there are series for Prometheus: at `/metrics`, and among the server's own"
                            + " at `/server/metrics` (which DJL Serving shows if `SERVING_PROMETHEUS`"
                            + " is `true`).",
                    true,
                    Parsers.bool());

    static final OptionKey<Boolean> JMX =
            new OptionKey<>(
                    "greenroom.jmx",
                    "`true`, `false`",
                    "`true`",
                    "Whether each model has an MBean, `io.greenroom:type=Model,name=\"...\"`, in which"
                            + " its budget can be read and changed.",
                    true,
                    Parsers.bool());

    /** All settings, in the order they are documented. */
    public static final List<OptionKey<?>> ALL =
            List.of(
                    MAX_REQUEST,
                    MAX_UNSENT,
                    TOTAL_BUDGET,
                    REMOTE_MANAGEMENT,
                    TELEMETRY_INTERVAL,
                    TELEMETRY_LOG,
                    PROMETHEUS,
                    JMX,
                    HEAT_DIR,
                    HEAT_INTERVAL,
                    HEAT_PUBLISH,
                    HEAT_READ_TIMEOUT,
                    WARM_TIMEOUT,
                    KAFKA_SERVERS,
                    KAFKA_TOPIC,
                    KAFKA_HEAT_TOPIC,
                    KAFKA_INTERVAL,
                    KAFKA_TOPIC_CREATE,
                    KAFKA_TOPIC_PARTITIONS,
                    KAFKA_TOPIC_REPLICATION,
                    KAFKA_CONFIG_FILE);

    private final Map<OptionKey<?>, Object> values = new HashMap<>();
    private final Map<String, String> kafkaClient = new TreeMap<>();

    /**
     * Reads the settings of this process.
     *
     * @throws ConfigException listing every problem
     */
    @Inject
    public PluginSettings() throws ConfigException {
        this(properties(), System.getenv());
    }

    /**
     * Reads settings from elsewhere.
     *
     * @param properties instead of the system properties
     * @param environment instead of the environment
     * @throws ConfigException listing every problem
     */
    public PluginSettings(Map<String, String> properties, Map<String, String> environment)
            throws ConfigException {
        ConfigProblems problems = new ConfigProblems();
        for (OptionKey<?> key : ALL) {
            read(key, properties::get, environment::get, problems);
        }
        problems.throwIfAny();
        // Kafka's names are lower case with dots, so a variable's name says which it is.
        environment.forEach(
                (name, value) -> {
                    if (name.startsWith(KAFKA_CLIENT_VARIABLE)) {
                        String rest = name.substring(KAFKA_CLIENT_VARIABLE.length());
                        kafkaClient.put(rest.replace('_', '.').toLowerCase(Locale.ROOT), value);
                    }
                });
        properties.forEach(
                (name, value) -> {
                    if (name.startsWith(KAFKA_CLIENT_PROPERTY)) {
                        kafkaClient.put(name.substring(KAFKA_CLIENT_PROPERTY.length()), value);
                    }
                });
    }

    private static Map<String, String> properties() {
        Map<String, String> all = new HashMap<>();
        Properties properties = System.getProperties();
        for (String name : properties.stringPropertyNames()) {
            all.put(name, properties.getProperty(name));
        }
        return all;
    }

    private <T> void read(
            OptionKey<T> key,
            UnaryOperator<@Nullable String> property,
            UnaryOperator<@Nullable String> environment,
            ConfigProblems problems) {
        String name = key.name();
        String text = property.apply(name);
        if (text == null) {
            name = environmentName(key);
            text = environment.apply(name);
        }
        T value = key.unsetValue();
        if (text != null) {
            try {
                value = key.parser().apply(text);
            } catch (IllegalArgumentException e) {
                problems.refused(name, text, String.valueOf(e.getMessage()));
            }
        }
        values.put(key, value);
    }

    static String environmentName(OptionKey<?> key) {
        return "GREENROOM_"
                + key.name()
                        .substring(PREFIX.length())
                        .replace('-', '_')
                        .replace('.', '_')
                        .toUpperCase(Locale.ROOT);
    }

    @SuppressWarnings("unchecked") // put there by read with the key's own type
    private <T> T value(OptionKey<T> key) {
        return (T) java.util.Objects.requireNonNull(values.get(key));
    }

    /** Bytes for the experts of all models; empty for no limit. */
    public Optional<ByteSize> totalBudget() {
        return value(TOTAL_BUDGET);
    }

    /** Whether state may be changed from other machines where inference is served, too. */
    public boolean remoteManagement() {
        return value(REMOTE_MANAGEMENT);
    }

    /** Largest body of a request, in bytes. */
    public long maxRequestBytes() {
        return value(MAX_REQUEST).bytes();
    }

    /** Bytes of an answer that may wait for its client. */
    public long maxUnsentBytes() {
        return value(MAX_UNSENT).bytes();
    }

    /** Time between two reports of usage. */
    public Duration telemetryInterval() {
        return value(TELEMETRY_INTERVAL);
    }

    /** Whether reports of usage are logged. */
    public boolean telemetryLog() {
        return value(TELEMETRY_LOG);
    }

    /** Where heat is kept in files; empty for nowhere. */
    public Optional<Path> heatDir() {
        return value(HEAT_DIR);
    }

    /** Time between two looks at a model's heat. */
    public Duration heatInterval() {
        return value(HEAT_INTERVAL);
    }

    /** Whether heat is published. */
    public boolean heatPublish() {
        return value(HEAT_PUBLISH);
    }

    /** Longest wait for heat to be read. */
    public Duration heatReadTimeout() {
        return value(HEAT_READ_TIMEOUT);
    }

    /** Longest wait for the hottest experts, after which a model is ready all the same. */
    public Duration warmTimeout() {
        return value(WARM_TIMEOUT);
    }

    /** Kafka's brokers; empty if nothing goes there. */
    public Optional<String> kafkaServers() {
        return value(KAFKA_SERVERS);
    }

    /** The topic of usage records. */
    public String kafkaTopic() {
        return value(KAFKA_TOPIC);
    }

    /** The topic of heat; empty for none. */
    public String kafkaHeatTopic() {
        return value(KAFKA_HEAT_TOPIC);
    }

    /** Time that a usage record in Kafka covers at least. */
    public Duration kafkaInterval() {
        return value(KAFKA_INTERVAL);
    }

    /** Whether topics are created. */
    public boolean kafkaTopicCreate() {
        return value(KAFKA_TOPIC_CREATE);
    }

    /** Partitions of topics that are created; empty for the broker's default. */
    public Optional<Integer> kafkaTopicPartitions() {
        return value(KAFKA_TOPIC_PARTITIONS);
    }

    /** Replicas of topics that are created; empty for the broker's default. */
    public Optional<Integer> kafkaTopicReplication() {
        return value(KAFKA_TOPIC_REPLICATION);
    }

    /** A file with properties of Kafka's clients. */
    public Optional<Path> kafkaConfigFile() {
        return value(KAFKA_CONFIG_FILE);
    }

    /** Properties of Kafka's clients, by Kafka's names, those of the file not included. */
    public Map<String, String> kafkaClient() {
        return Collections.unmodifiableMap(kafkaClient);
    }

    /** Whether there are series for Prometheus. */
    public boolean prometheus() {
        return value(PROMETHEUS);
    }

    /** Whether models have MBeans. */
    public boolean jmx() {
        return value(JMX);
    }
}
