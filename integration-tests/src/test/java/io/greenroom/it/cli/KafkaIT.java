package io.greenroom.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.it.DemoReference;
import io.greenroom.it.kafka.KafkaBroker;
import io.greenroom.it.server.ServerClient;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The plugin as built, in a process of its own, and a real broker that comes and goes. */
@Timeout(180)
class KafkaIT {

    private static final Pattern URL = Pattern.compile("serves on (http://127\\.0\\.0\\.1:\\d+)");
    private static final String MODEL = "greenroom-demo";
    private static final TopicPartition TOPIC = new TopicPartition("greenroom.expert-usage", 0);
    private static final String MARKER = "QUETZALCOATLUS-7731";
    private static final String PASSWORD = "swordfish-4242";

    /** More than one that is on its way when the broker dies does not happen: linger is short. */
    private static final int ON_ITS_WAY = 8;

    /** Of 20 ms each: several times the interval. */
    private static final int QUIET_POLLS = 30;

    /** Everything sooner than in real life; memory for hardly more than one batch. */
    private static final Map<String, String> IMPATIENT =
            Map.ofEntries(
                    Map.entry("GREENROOM_TELEMETRY_INTERVAL", "100ms"),
                    Map.entry("GREENROOM_KAFKA_INTERVAL", "200ms"),
                    Map.entry("GREENROOM_KAFKA_TOPIC_CREATE", "true"),
                    Map.entry("GREENROOM_KAFKA_TOPIC_PARTITIONS", "1"),
                    Map.entry("GREENROOM_KAFKA_CLIENT_MAX_BLOCK_MS", "250"),
                    Map.entry("GREENROOM_KAFKA_CLIENT_REQUEST_TIMEOUT_MS", "1000"),
                    Map.entry("GREENROOM_KAFKA_CLIENT_DELIVERY_TIMEOUT_MS", "1500"),
                    Map.entry("GREENROOM_KAFKA_CLIENT_RECONNECT_BACKOFF_MAX_MS", "200"),
                    Map.entry("GREENROOM_KAFKA_CLIENT_BATCH_SIZE", "16384"),
                    Map.entry("GREENROOM_KAFKA_CLIENT_BUFFER_MEMORY", "40000"),
                    Map.entry("GREENROOM_KAFKA_CLIENT_SSL_KEY_PASSWORD", PASSWORD));

    @TempDir private Path folder;
    @TempDir private Path brokerFolder;
    private KafkaBroker broker;
    private GreenroomCommandLine greenroom;
    private Process process;

    @BeforeEach
    void prepare() {
        broker = new KafkaBroker(brokerFolder);
        greenroom = new GreenroomCommandLine(folder);
    }

    @AfterEach
    void end() {
        if (process != null) {
            process.destroyForcibly();
        }
        broker.close();
    }

    /** A client that asks the same thing again and again. */
    private static final class Asking implements AutoCloseable {

        private final DemoReference.Prompt prompt =
                DemoReference.read().prompt("lexicon-short-chat");
        private final JsonObject chat = chatOf(prompt);
        private final JsonObject marked = ServerClient.chat(MODEL, "Say " + MARKER + ".", 8);
        private final AtomicInteger answers = new AtomicInteger();
        private final List<String> wrong = new CopyOnWriteArrayList<>();
        private final ServerClient server;
        private final Thread thread = new Thread(this::ask, "asking");
        private volatile boolean over;

        Asking(ServerClient server) {
            this.server = server;
            thread.start();
        }

        private static JsonObject chatOf(DemoReference.Prompt prompt) {
            String text = prompt.text();
            String begin = "<|im_start|>user\n";
            int from = text.indexOf(begin) + begin.length();
            String question = text.substring(from, text.indexOf("<|im_end|>", from));
            return ServerClient.chat(MODEL, question, prompt.greedy().size());
        }

        private void ask() {
            try {
                while (!over) {
                    HttpResponse<String> answer = server.post("/v1/chat/completions", chat);
                    boolean same =
                            answer.statusCode() == 200
                                    && ServerClient.content(ServerClient.json(answer))
                                            .strip()
                                            .equals(prompt.decoded().strip());
                    if (!same) {
                        wrong.add(answer.statusCode() + " " + answer.body());
                    }
                    int status = server.post("/v1/chat/completions", marked).statusCode();
                    if (status != 200) {
                        wrong.add("marked: " + status);
                    }
                    answers.incrementAndGet();
                }
            } catch (RuntimeException e) {
                wrong.add(String.valueOf(e));
            }
        }

        /** Waits until so many more answers have come, whatever the broker does. */
        void await(int more) {
            int goal = answers.get() + more;
            ServerClient.await("answers", () -> answers.get() >= goal || !wrong.isEmpty());
            assertThat(wrong).isEmpty();
        }

        @Override
        public void close() {
            over = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    void aBrokerComesAndGoesAndNoRequestNoticesButEveryLossIsCounted() throws Exception {
        ServerClient server = serve();
        try (Asking asking = new Asking(server)) {
            await(server, "no broker yet", s -> state(s).contains("no broker answers"));
            asking.await(2);

            broker.start();
            await(server, "delivery", s -> state(s).startsWith("connected since"));
            long delivered = count(sink(server), "delivered");
            await(server, "more", s -> count(s, "delivered") > delivered + 5);
            asking.await(1);

            broker.kill();
            long dropped = count(sink(server), "dropped");
            await(server, "the loss", s -> state(s).startsWith("unreachable since"));
            await(server, "drops", s -> count(s, "dropped") > dropped + 5);
            await(server, "a full buffer", s -> failure(s).contains("buffer is full"));
            asking.await(2);

            broker.start();
            await(server, "delivery again", s -> state(s).startsWith("connected since"));
            long before = count(sink(server), "delivered");
            await(server, "more again", s -> count(s, "delivered") > before + 5);

            limit("50");
            await(server, "a rejection", s -> state(s).contains("raise max.message.bytes"));
            asking.await(2);
            limit("1000000");
            await(server, "delivery at last", s -> state(s).startsWith("connected since"));
            asking.await(1);
        }
        JsonObject last = afterTheLast(server);

        List<ConsumerRecord<byte[], byte[]>> records = everything();
        checkNothingPrivate(records);
        assertThat(last.toString()).doesNotContain(PASSWORD);
        assertThat(greenroom.out() + greenroom.err()).doesNotContain(PASSWORD);
        checkSequence(records, last);
    }

    /** The sink's state once the idle model has made its last report: it no longer changes. */
    private static JsonObject afterTheLast(ServerClient server) {
        JsonObject[] before = {sink(server)};
        int[] unchanged = {0};
        await(
                server,
                "the last report",
                s -> {
                    boolean same = s.equals(before[0]) && count(s, "queued") == 0;
                    unchanged[0] = same ? unchanged[0] + 1 : 0;
                    before[0] = s;
                    return unchanged[0] >= QUIET_POLLS;
                });
        return before[0];
    }

    private ServerClient serve() throws Exception {
        Map<String, String> environment = new TreeMap<>(IMPATIENT);
        environment.put("GREENROOM_KAFKA_BOOTSTRAP_SERVERS", broker.servers());
        process = greenroom.start(environment, "demo", "--port", "0");
        ServerClient.await("the demo is ready", () -> !process.isAlive() || ready());
        Matcher url = URL.matcher(greenroom.out());
        assertThat(url.find()).as(greenroom.err()).isTrue();
        return new ServerClient(URI.create(url.group(1)).toURL());
    }

    private boolean ready() {
        try {
            return greenroom.out().contains("Ready.");
        } catch (java.io.IOException e) {
            return false;
        }
    }

    private static void await(ServerClient server, String what, Predicate<JsonObject> condition) {
        JsonObject[] seen = new JsonObject[1];
        try {
            ServerClient.await(
                    what,
                    () -> {
                        seen[0] = sink(server);
                        return condition.test(seen[0]);
                    });
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "; last seen: " + seen[0], e);
        }
    }

    /** What {@code /moe/models} says of Kafka. */
    private static JsonObject sink(ServerClient server) {
        for (JsonElement sink :
                ServerClient.json(server.get("/moe/models"))
                        .getAsJsonObject("telemetry")
                        .getAsJsonArray("sinks")) {
            if (sink.getAsJsonObject().get("name").getAsString().equals("kafka")) {
                return sink.getAsJsonObject();
            }
        }
        throw new AssertionError("there is no sink named kafka");
    }

    private static String state(JsonObject sink) {
        return sink.get("state").getAsString();
    }

    private static String failure(JsonObject sink) {
        return sink.has("last_failure") ? sink.get("last_failure").getAsString() : "";
    }

    private static long count(JsonObject sink, String name) {
        return sink.get(name).getAsLong();
    }

    /** Makes the topic refuse larger batches. */
    private void limit(String bytes) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.servers()))) {
            admin.incrementalAlterConfigs(
                            Map.of(
                                    new ConfigResource(ConfigResource.Type.TOPIC, TOPIC.topic()),
                                    List.of(
                                            new AlterConfigOp(
                                                    new ConfigEntry("max.message.bytes", bytes),
                                                    AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        }
    }

    private List<ConsumerRecord<byte[], byte[]>> everything() {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", broker.servers()),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer())) {
            consumer.assign(List.of(TOPIC));
            consumer.seekToBeginning(List.of(TOPIC));
            long end = consumer.endOffsets(List.of(TOPIC)).get(TOPIC);
            while (consumer.position(TOPIC) < end) {
                consumer.poll(Duration.ofSeconds(1)).forEach(records::add);
            }
        }
        return records;
    }

    private static void checkNothingPrivate(List<ConsumerRecord<byte[], byte[]>> records) {
        String answer = DemoReference.read().prompt("lexicon-short-chat").decoded();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            StringBuilder all = new StringBuilder();
            all.append(new String(record.key(), StandardCharsets.UTF_8));
            all.append(new String(record.value(), StandardCharsets.UTF_8));
            for (Header header : record.headers()) {
                all.append(header.key()).append(new String(header.value(), StandardCharsets.UTF_8));
            }
            assertThat(all.toString())
                    .doesNotContainIgnoringCase(MARKER)
                    .doesNotContain(answer)
                    .doesNotContain("unhappily")
                    .doesNotContain(PASSWORD);
        }
    }

    /** Delivered and lost reports are all there are, and what is missing was counted as lost. */
    private static void checkSequence(
            List<ConsumerRecord<byte[], byte[]>> records, JsonObject sink) {
        assertThat(records).hasSizeGreaterThan(10);
        long next = 0;
        long missing = 0;
        long arrived = 0;
        for (ConsumerRecord<byte[], byte[]> record : records) {
            assertThat(record.key()).isEqualTo(MODEL.getBytes(StandardCharsets.UTF_8));
            JsonObject json =
                    JsonParser.parseString(new String(record.value(), StandardCharsets.UTF_8))
                            .getAsJsonObject();
            long sequence = json.get("sequence").getAsLong();
            long intervals = json.get("intervals").getAsLong();
            long gap = sequence - intervals + 1 - next;
            assertThat(gap).as("before record %s", sequence).isNotNegative();
            missing += gap;
            arrived += intervals;
            next = sequence + 1;
        }
        long lost = count(sink, "dropped") + count(sink, "failed");
        assertThat(missing).isPositive();
        // A broker that dies between writing a record and saying so leaves it counted as lost.
        assertThat(lost - missing).isBetween(0L, (long) ON_ITS_WAY);
        assertThat(arrived - count(sink, "delivered")).isEqualTo(lost - missing);
    }
}
