package io.greenroom.plugin.telemetry.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.telemetry.UsageJson;
import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageSink.Outstanding;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class KafkaSinkTest {

    private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");
    private static final String TOPIC = "topic greenroom.expert-usage at broker:9092";

    /** A producer that a test can break. */
    private static final class Scripted extends MockProducer<byte[], byte[]> {

        private final CountDownLatch closed = new CountDownLatch(1);
        private RuntimeException next;

        Scripted() {
            super(false, new ByteArraySerializer(), new ByteArraySerializer());
        }

        @Override
        public synchronized Future<RecordMetadata> send(
                ProducerRecord<byte[], byte[]> record, Callback callback) {
            if (next != null) {
                throw next;
            }
            return super.send(record, callback);
        }

        @Override
        public void close(Duration timeout) {
            super.close(timeout);
            closed.countDown();
        }

        void awaitClosed() throws InterruptedException {
            assertThat(closed.await(10, TimeUnit.SECONDS)).as("closed").isTrue();
        }
    }

    private final List<Scripted> producers = new ArrayList<>();
    private RuntimeException notMade;
    private Duration elapsed = Duration.ZERO;
    private KafkaSink sink;

    private final Clock clock =
            new Clock() {
                @Override
                public ZoneId getZone() {
                    return ZoneOffset.UTC;
                }

                @Override
                public Clock withZone(ZoneId zone) {
                    return this;
                }

                @Override
                public Instant instant() {
                    return START.plus(elapsed);
                }
            };

    @BeforeEach
    void open() throws Exception {
        sink = sink(Map.of("greenroom.kafka.bootstrap-servers", "broker:9092"));
    }

    private KafkaSink sink(Map<String, String> properties) throws Exception {
        Map<String, String> all = new HashMap<>(properties);
        all.put("greenroom.kafka.client.ssl.key.password", "swordfish");
        PluginSettings settings = new PluginSettings(all, Map.of());
        KafkaSettings kafka = new KafkaSettings(settings);
        return new KafkaSink(
                kafka,
                settings,
                () -> {
                    if (notMade != null) {
                        throw notMade;
                    }
                    producers.add(new Scripted());
                    return producers.get(producers.size() - 1);
                },
                new TopicCreation(kafka, settings, "unused", Map.of()),
                clock,
                () -> elapsed.toNanos());
    }

    private Scripted producer() {
        return producers.get(producers.size() - 1);
    }

    private static UsageRecord record(int sequence, int intervals) {
        return new UsageRecord(
                new UsageRecord.Origin("démo", "f", "h", "i"),
                sequence,
                intervals,
                START,
                START.plusSeconds(intervals),
                1,
                2,
                new UsageRecord.Memory(800, 100, 8, 8, List.of(0)),
                new ExpertUsage(1, 4, id -> 100).snapshot());
    }

    @Test
    void withoutServersItIsOff() throws Exception {
        KafkaSink off = sink(Map.of());

        assertThat(off.isOn()).isFalse();
        assertThat(off.state()).isEqualTo("off: greenroom.kafka.bootstrap-servers is not set");
        assertThat(producers).isEmpty();
    }

    @Test
    void theKeyIsTheModelAndTheValueTheRecord() throws Exception {
        sink.accept(record(4, 5));

        ProducerRecord<byte[], byte[]> sent = producer().history().get(0);
        assertThat(sent.topic()).isEqualTo("greenroom.expert-usage");
        assertThat(new String(sent.key(), StandardCharsets.UTF_8)).isEqualTo("démo");
        assertThat(new String(sent.value(), StandardCharsets.UTF_8))
                .isEqualTo(UsageJson.toJson(record(4, 5)));
        assertThat(sink.interval()).isEqualTo(Duration.ofSeconds(5));
    }

    @Test
    void acknowledgementsSayThatItIsConnected() throws Exception {
        assertThat(sink.state()).isEqualTo("waiting for the first record: " + TOPIC);
        sink.accept(record(4, 5));
        assertThat(sink.outstanding()).isEqualTo(new Outstanding(5, 0, null));

        producer().completeNext();

        assertThat(sink.outstanding()).isEqualTo(Outstanding.NONE);
        assertThat(sink.state()).isEqualTo("connected since 2026-01-02T03:04:05Z: " + TOPIC);
    }

    @Test
    void silenceIsToldAfterAWhile() throws Exception {
        sink.accept(record(4, 5));
        producer().completeNext();
        sink.accept(record(9, 5));
        elapsed = Duration.ofSeconds(3);
        assertThat(sink.state()).startsWith("connected");
        elapsed = Duration.ofSeconds(4);

        assertThat(sink.state())
                .isEqualTo("unreachable since 2026-01-02T03:04:05Z: no answer; " + TOPIC);
        producer().completeNext();
        assertThat(sink.state()).startsWith("connected since 2026-01-02T03:04:05Z");
    }

    @Test
    void whatKafkaGivesUpIsLostAndCountedAndDeliveryResumes() throws Exception {
        sink.accept(record(4, 5));
        sink.accept(record(6, 2));
        elapsed = Duration.ofSeconds(2);
        producer().errorNext(new TimeoutException("Expiring 1 record(s): swordfish"));

        assertThat(sink.state())
                .isEqualTo(
                        "unreachable since 2026-01-02T03:04:07Z: no broker took it in time:"
                                + " Expiring 1 record(s): [hidden]; "
                                + TOPIC);
        assertThat(sink.outstanding().lost()).isEqualTo(5);
        assertThat(sink.outstanding().waiting()).isEqualTo(2);
        assertThat(sink.outstanding().lastFailure()).contains("[hidden]");
        elapsed = Duration.ofSeconds(3);
        producer().completeNext();
        assertThat(sink.state()).startsWith("connected since 2026-01-02T03:04:08Z");
        assertThat(sink.outstanding().lost()).isEqualTo(5);
    }

    @Test
    void aProducerBeyondHelpIsReplacedAfterAPause() throws Exception {
        sink.accept(record(0, 1));
        producer().completeNext();
        Scripted broken = producer();
        broken.next =
                new KafkaException("in an error state", new KafkaException("denied: swordfish"));

        assertThatThrownBy(() -> sink.accept(record(1, 1)))
                .isInstanceOf(KafkaSinkException.class)
                .hasMessage("in an error state: denied: [hidden]")
                .hasNoCause();
        broken.awaitClosed();
        assertThat(sink.outstanding().waiting()).isZero();
        assertThat(sink.outstanding().lost()).as("the caller counts it").isZero();
        elapsed = Duration.ofSeconds(9);
        assertThatThrownBy(() -> sink.accept(record(2, 1)))
                .hasMessage("in an error state: denied: [hidden]");
        assertThat(producers).hasSize(1);
        elapsed = Duration.ofSeconds(10);
        sink.accept(record(3, 1));
        producer().completeNext();
        assertThat(producers).hasSize(2);
        assertThat(sink.state()).startsWith("connected since 2026-01-02T03:04:15Z");
    }

    @Test
    void aProducerThatCannotBeMadeIsTriedAgain() throws Exception {
        notMade =
                new KafkaException(
                        "Failed to construct kafka producer",
                        new KafkaException("No resolvable bootstrap urls"));

        assertThatThrownBy(() -> sink.accept(record(0, 1)))
                .hasMessage("Failed to construct kafka producer: No resolvable bootstrap urls");
        assertThat(sink.state())
                .startsWith("unreachable since 2026-01-02T03:04:05Z: Failed to construct");
        notMade = null;
        elapsed = Duration.ofSeconds(11);
        sink.accept(record(1, 1));
        producer().completeNext();
        assertThat(sink.state()).startsWith("connected");
    }

    @Test
    void anInterruptionIsOne() throws Exception {
        sink.accept(record(0, 1));
        producer().next = new InterruptException(new InterruptedException());
        Thread.interrupted(); // the exception's constructor has set it

        assertThatThrownBy(() -> sink.accept(record(1, 1)))
                .isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        assertThat(producer().closed()).isFalse();
        assertThat(sink.outstanding().waiting()).isEqualTo(1);
        sink.close();
        assertThat(producer().closed()).isTrue();
    }

    /** It takes connections, and that is all it ever does. */
    @Test
    @Timeout(20)
    void aListenerThatNeverAnswersKeepsTheSinkNoLongerThanItsPatience() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            PluginSettings settings =
                    new PluginSettings(
                            Map.of(
                                    "greenroom.kafka.bootstrap-servers",
                                    "127.0.0.1:" + silent.getLocalPort(),
                                    "greenroom.kafka.client.max.block.ms",
                                    "150"),
                            Map.of());
            KafkaSink real = new KafkaSink(new KafkaSettings(settings), settings);
            real.accept(record(2, 3));
            real.accept(record(4, 2));

            assertThat(real.outstanding()).isEqualTo(new Outstanding(0, 5, "no broker answers"));
            assertThat(real.state())
                    .startsWith("unreachable since ")
                    .contains(": no broker answers; topic greenroom.expert-usage at 127.0.0.1:");
            real.close(); // Kafka's own close would take until its request.timeout.ms, 30 s
        }
    }

    @Test
    void failuresAreExplained() {
        assertThat(explain(new TimeoutException("Topic t not present in metadata"), true))
                .isEqualTo(
                        "the brokers have no topic t; create it, or set"
                                + " greenroom.kafka.topic-create=true");
        assertThat(explain(new TimeoutException("Topic t not present in metadata"), false))
                .isEqualTo("no broker answers");
        assertThat(explain(new BufferExhaustedException("9 bytes"), true))
                .isEqualTo("the producer's buffer is full of what no broker takes: 9 bytes");
        assertThat(explain(new RecordTooLargeException("9 bytes"), true))
                .startsWith("the record is too large; raise max.message.bytes of the topic");
        assertThat(explain(new TopicAuthorizationException("no"), true))
                .isEqualTo("not allowed; it takes WRITE on topic t: no");
        assertThat(explain(new IllegalStateException("odd"), true))
                .isEqualTo("IllegalStateException: odd");
    }

    private static String explain(Exception error, boolean hasMetadata) {
        return DeliveryFailure.explain(error, "t", hasMetadata);
    }
}
