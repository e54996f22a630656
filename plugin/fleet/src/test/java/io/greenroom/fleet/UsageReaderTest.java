package io.greenroom.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UsageReaderTest {

    private final UsageReader reader = new UsageReader();

    private Message read(String json) {
        return reader.deserialize("t", json.getBytes(StandardCharsets.UTF_8));
    }

    private static JsonObject sample() {
        return UsageJsonSamples.record("demo", "a", 7, 5, 10, 3);
    }

    private String reason(String json) {
        return ((Message.Rejected) read(json)).reason();
    }

    @Test
    void aRecordIsRead() {
        Usage usage = ((Message.Good) read(sample().toString())).usage();
        assertThat(usage.model()).isEqualTo("demo");
        assertThat(usage.sequence()).isEqualTo(7);
        assertThat(usage.length()).hasSeconds(5);
        assertThat(usage.used()).hasSize(2);
        assertThat(usage.used().get(1).experts()).containsExactly(3, 4);
        assertThat(usage.used().get(1).prefetchUseful()).containsExactly(1, 0);
        assertThat(usage.used().get(1).prefetchLate()).isNull();
    }

    @Test
    void fieldsOfLaterVersionsArePassedOver() {
        JsonObject more = sample();
        more.add("colour", JsonParser.parseString("{\"deep\":[[[1]]]}"));
        assertThat(read(more.toString())).isInstanceOf(Message.Good.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "schema | 2 | schema is 2, this version reads 1",
                "model | \"\" | model is missing or too long",
                "instance | null | instance is missing or too long",
                "fingerprint | \"x\" | fingerprint is not 32 hexadecimal digits",
                "begin | null | begin or end is missing",
                "begin | \"2027-01-01T00:00:00Z\" | begin and end do not fit",
                "begin | \"noon\" | is no usage record",
                "layer_count | 0 | layer_count is not",
                "experts_per_layer | 2000000000 | experts_per_layer is missing or too large",
                "experts_per_token | 9 | experts_per_token is too large",
                "tokens_out | -1 | has a counter of -1",
                "tokens_out | 9000000000000000000 | has a counter of 9000000000000000000",
                "tokens_out | 1e300 | is no usage record",
                "missed | 3 | counts its own losses",
                "layers | [{\"layer\":3}] | has no layer 3",
                "layers | [{\"layer\":1},{\"layer\":1}] | has layer 1 twice",
                "layers | [{\"layer\":1,\"experts\":[8]}] | names experts of layer 1 that are not",
                "layers | [{\"layer\":1,\"experts\":[2,2]}] | names experts of layer 1 that are not",
                "layers | [{\"layer\":1,\"experts\":[2],\"hits\":[1,1]}] | counts other experts of"
                        + " layer 1 than it names",
                "layers | [{\"layer\":1,\"experts\":[2],\"routed\":[-4]}] | has a counter of -4",
                "layers | 5 | is no usage record",
            })
    void whatCannotBeCountedIsRejectedWithAReason(String field, String value, String reason) {
        JsonObject json = sample();
        json.add(field, JsonParser.parseString(value));
        assertThat(reason(json.toString())).startsWith(reason);
    }

    @Test
    void whatIsNoRecordIsRejected() {
        assertThat(reason("")).isEqualTo("is empty");
        assertThat(reason("null")).isEqualTo("is empty");
        assertThat(reason("{}")).isEqualTo("schema is 0, this version reads 1");
        assertThat(reason("[1")).startsWith("is no usage record");
        assertThat(((Message.Rejected) reader.deserialize("t", null)).reason())
                .isEqualTo("has no value");
        assertThat(((Message.Rejected) reader.deserialize("t", new byte[(16 << 20) + 1])).reason())
                .isEqualTo("is too large: 16777217 bytes");
    }

    /** Whatever bytes change, the reader answers, and what it accepts can be added up. */
    @Property(tries = 2000)
    void damagedRecordsAreReadOrRejected(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int changes) {
        Random random = new Random(seed);
        byte[] damaged = sample().toString().getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(damaged.length);
            damaged[at] =
                    (byte)
                            (random.nextBoolean()
                                    ? "{}[]\",:0-e9x".charAt(random.nextInt(12))
                                    : random.nextInt(256));
        }
        int length = random.nextInt(4) == 0 ? random.nextInt(damaged.length) : damaged.length;
        Message message = reader.deserialize("t", Arrays.copyOf(damaged, length));
        if (message instanceof Message.Good good) {
            ModelWindow window = new ModelWindow().add(good.usage());
            assertThat(window.hitRate()).isBetween(0.0, 1.0);
            if (good.usage().expertsPerToken() > 0) {
                assertThat(FleetHeat.of(good.usage()).plus(good.usage(), 1000).now().tokens())
                        .isNotNegative();
            }
        }
    }

    @Test
    void clocksThatAreFarAheadDoNotMakeOthersLate() {
        long now = UsageJsonSamples.BEGIN.toEpochMilli();
        UsageTime time = new UsageTime(() -> now);
        assertThat(time.extract(record(read(sample().toString())), 1)).isEqualTo(now + 5000);
        JsonObject ahead = UsageJsonSamples.record("demo", "a", 7, 86_400, 10, 3);
        assertThat(time.extract(record(read(ahead.toString())), 1)).isEqualTo(now + 60_000);
        assertThat(time.extract(record(read("{}")), 77)).isEqualTo(77);
        assertThat(time.extract(record(read("{}")), -1)).isZero();
    }

    private static ConsumerRecord<Object, Object> record(Message message) {
        return new ConsumerRecord<>("t", 0, 0, "demo", message);
    }
}
