package io.greenroom.plugin.telemetry.kafka;

import io.greenroom.plugin.config.ConfigException;
import io.greenroom.plugin.config.ConfigProblems;
import io.greenroom.plugin.config.PluginSettings;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How Greenroom's Kafka clients are configured: its own defaults, then the operator's file, then
 * {@code GREENROOM_KAFKA_CLIENT_...}, then {@code greenroom.kafka.client...}. Checked when the
 * plugin starts; nothing is connected. Immutable.
 *
 * <p>Clients are made by {@link #newProducer}, {@link #newConsumer} and {@link #newAdmin}: Kafka
 * loads login modules, interceptors and the like through the thread's context class loader, and
 * that must be the plugin's.
 */
@Singleton
public final class KafkaSettings {

    private static final Logger logger = LoggerFactory.getLogger(KafkaSettings.class);

    private static final ConfigDef PRODUCER = ProducerConfig.configDef();
    private static final ConfigDef CONSUMER = new ConfigDef(ConsumerConfig.configDef());
    private static final ConfigDef ADMIN = new ConfigDef(AdminClientConfig.configDef());

    /** Who sets these breaks what Greenroom does with its clients. */
    private static final Map<String, String> OURS =
            Map.of(
                    "bootstrap.servers", "write greenroom.kafka.bootstrap-servers",
                    "key.serializer", "Greenroom sets it",
                    "value.serializer", "Greenroom sets it",
                    "key.deserializer", "Greenroom sets it",
                    "value.deserializer", "Greenroom sets it",
                    "transactional.id", "records are not sent in transactions",
                    "enable.metrics.push",
                            "the plugin leaves out what Kafka's own client telemetry needs");

    private final Optional<String> servers;
    private final Map<String, String> client; // the operator's, by Kafka's names
    private final Secrets secrets;

    @Inject
    public KafkaSettings(PluginSettings settings) throws ConfigException {
        ConfigProblems problems = new ConfigProblems();
        servers = settings.kafkaServers();
        client = new TreeMap<>();
        Map<String, String> names = new HashMap<>(); // as the operator wrote them
        if (servers.isPresent()) {
            settings.kafkaConfigFile().ifPresent(file -> readFile(file, names, problems));
            client.putAll(settings.kafkaClient());
            settings.kafkaClient()
                    .keySet()
                    .forEach(name -> names.put(name, "greenroom.kafka.client." + name));
        }
        secrets = Secrets.of(client, KafkaSettings::isSecret);
        check(names, problems);
        problems.throwIfAny();
    }

    private void readFile(Path file, Map<String, String> names, ConfigProblems problems) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            problems.refused(
                    "greenroom.kafka.config-file",
                    file.toString(),
                    "write a properties file that can be read (" + e.getClass().getName() + ")");
        }
        for (String name : properties.stringPropertyNames()) {
            client.put(name, properties.getProperty(name).strip());
            names.put(name, name + " in " + file);
        }
    }

    private void check(Map<String, String> names, ConfigProblems problems) {
        Map<String, String> errors = new HashMap<>();
        for (ConfigDef definition : List.of(ADMIN, CONSUMER, PRODUCER)) {
            for (ConfigValue value : definition.validate(client)) {
                if (client.containsKey(value.name()) && !value.errorMessages().isEmpty()) {
                    errors.put(value.name(), value.errorMessages().get(0));
                }
            }
        }
        client.forEach(
                (name, value) -> {
                    String written = names.getOrDefault(name, name);
                    String shown = secrets.redact(value);
                    String ours = OURS.get(name);
                    String error = errors.get(name);
                    if (ours != null) {
                        problems.refused(written, shown, ours);
                    } else if (error != null) {
                        problems.refused(written, shown, secrets.redact(error));
                    } else if (name.equals(ProducerConfig.COMPRESSION_TYPE_CONFIG)) {
                        Codecs.problem(value)
                                .ifPresent(problem -> problems.refused(written, shown, problem));
                    } else if (!isKnown(name)) {
                        logger.warn(
                                "{} is no property of Kafka's clients by itself; it is passed on,"
                                        + " for what an interceptor or a login module may make of it",
                                written);
                    }
                });
    }

    private static boolean isKnown(String name) {
        return PRODUCER.names().contains(name)
                || CONSUMER.names().contains(name)
                || ADMIN.names().contains(name);
    }

    /** What Kafka takes for a password, and what nobody knows. */
    private static boolean isSecret(String name) {
        for (ConfigDef definition : List.of(PRODUCER, CONSUMER, ADMIN)) {
            ConfigDef.ConfigKey key = definition.configKeys().get(name);
            if (key != null) {
                return key.type() == ConfigDef.Type.PASSWORD;
            }
        }
        return true;
    }

    /** Whether there is a Kafka to speak to. */
    public boolean isOn() {
        return servers.isPresent();
    }

    /** The brokers, "host:port,host:port"; empty if there are none. */
    public String servers() {
        return servers.orElse("");
    }

    /** A text without anything secret that these settings hold, for logs and states. */
    public String redact(String text) {
        return secrets.redact(text);
    }

    /**
     * Properties of a producer: idempotent, compressed with gzip, bounded in memory and patience.
     *
     * @param purpose tells Greenroom's clients apart; part of the client's id
     */
    public Map<String, Object> producer(String purpose) {
        Map<String, Object> all = new HashMap<>();
        all.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, Codecs.DEFAULT);
        all.put(ProducerConfig.LINGER_MS_CONFIG, 100);
        all.put(ProducerConfig.BATCH_SIZE_CONFIG, 256 << 10);
        all.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 16 << 20);
        all.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 8 << 20);
        all.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 2000);
        return complete(all, PRODUCER.names(), purpose);
    }

    /** Properties of a consumer that belongs to no group and reads what is committed. */
    public Map<String, Object> consumer(String purpose) {
        Map<String, Object> all = new HashMap<>();
        all.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        all.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        return complete(all, CONSUMER.names(), purpose);
    }

    /** Properties of an administrator, who creates topics. */
    public Map<String, Object> admin(String purpose) {
        return complete(new HashMap<>(), ADMIN.names(), purpose);
    }

    private Map<String, Object> complete(
            Map<String, Object> all, Set<String> known, String purpose) {
        // A broker that is away for long is asked once a minute: each time Kafka logs warnings.
        all.put("reconnect.backoff.max.ms", 60_000);
        client.forEach(
                (name, value) -> {
                    if (known.contains(name) || !isKnown(name)) {
                        all.put(name, value);
                    }
                });
        all.put("bootstrap.servers", servers());
        all.put("client.id", client.getOrDefault("client.id", "greenroom") + "-" + purpose);
        all.put("enable.metrics.push", false);
        all.putIfAbsent("auto.include.jmx.reporter", "false");
        return all;
    }

    /**
     * Makes a producer of bytes.
     *
     * @throws org.apache.kafka.common.KafkaException if no broker's name can be resolved, or a
     *     property is wrong that cannot be checked before; its message may hold secrets
     */
    public Producer<byte[], byte[]> newProducer(String purpose) {
        return inPluginsLoader(
                () ->
                        new KafkaProducer<>(
                                producer(purpose),
                                new ByteArraySerializer(),
                                new ByteArraySerializer()));
    }

    /** Makes a consumer of bytes; throws as {@link #newProducer}. */
    public Consumer<byte[], byte[]> newConsumer(String purpose) {
        return inPluginsLoader(
                () ->
                        new KafkaConsumer<>(
                                consumer(purpose),
                                new ByteArrayDeserializer(),
                                new ByteArrayDeserializer()));
    }

    /** Makes an administrator; throws as {@link #newProducer}. */
    public Admin newAdmin(String purpose) {
        return inPluginsLoader(() -> Admin.create(admin(purpose)));
    }

    /** The client's own threads inherit the loader. */
    private static <T> T inPluginsLoader(Supplier<T> client) {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(KafkaSettings.class.getClassLoader());
        try {
            return client.get();
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
