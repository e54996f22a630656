package io.greenroom.plugin.heat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.greenroom.cache.heat.Heat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeatJsonTest {

    static final String PRINT = "0123456789abcdef0123456789abcdef";

    static HeatRecord record(int layers, int experts, long seed) {
        Random random = new Random(seed);
        float[] shares = new float[layers * experts];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = random.nextInt(4) == 0 ? 0 : random.nextFloat();
        }
        return new HeatRecord(
                new HeatKey("demo", PRINT),
                "host-1",
                Instant.parse("2026-01-02T03:04:05Z"),
                new Heat(layers, experts, 12345.5, shares));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] with(String field, String json) {
        JsonObject object =
                JsonParser.parseString(HeatJson.toJson(record(2, 4, 1))).getAsJsonObject();
        if (json.equals("-")) {
            object.remove(field);
        } else {
            object.add(field, JsonParser.parseString(json));
        }
        return bytes(object.toString());
    }

    @Test
    void everyFieldIsWhatTheSchemaSays() {
        String json =
                HeatJson.toJson(
                        new HeatRecord(
                                new HeatKey("demo", PRINT),
                                "host-1",
                                Instant.parse("2026-01-02T03:04:05Z"),
                                new Heat(1, 3, 300, new float[] {1, 0, 0.5f})));
        assertThat(json)
                .isEqualTo(
                        "{\"schema\":1,\"model\":\"demo\",\"fingerprint\":\""
                                + PRINT
                                + "\",\"host\":\"host-1\",\"at\":\"2026-01-02T03:04:05Z\","
                                + "\"tokens\":300.0,\"layers\":1,"
                                + "\"experts_per_layer\":3,\"shares\":\"//8AAACA\"}");
        assertThat(new HeatKey("demo", PRINT)).hasToString("demo@" + PRINT);
    }

    @Test
    void recordsAreAsThePublishedSchemaSays() throws Exception {
        Path file = Path.of("..", "docs", "telemetry", "heat-record-1.schema.json");
        JsonSchema schema =
                JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                        .getSchema(Files.readString(file), InputFormat.JSON);
        String json = HeatJson.toJson(record(8, 32, 1));
        assertThat(schema.validate(json, InputFormat.JSON)).isEmpty();
        assertThat(schema.validate(json.replace(PRINT, "x"), InputFormat.JSON)).hasSize(1);
        assertThat(schema.validate(json.replace("shares", "share"), InputFormat.JSON)).hasSize(1);
    }

    @Property(tries = 200)
    void whatWasWrittenIsRead(
            @ForAll @IntRange(min = 1, max = 20) int layers,
            @ForAll @IntRange(min = 1, max = 70) int experts,
            @ForAll long seed)
            throws Exception {
        HeatRecord written = record(layers, experts, seed);
        HeatRecord read = HeatJson.read(bytes(HeatJson.toJson(written)));
        assertThat(read.key()).isEqualTo(written.key());
        assertThat(read.at()).isEqualTo(written.at());
        assertThat(read.host()).isEqualTo(written.host());
        assertThat(read.heat().tokens()).isEqualTo(written.heat().tokens());
        for (int layer = 0; layer < layers; layer++) {
            for (int expert = 0; expert < experts; expert++) {
                assertThat(read.heat().share(layer, expert))
                        .isCloseTo(
                                written.heat().share(layer, expert), within(0.5f / 65535 + 1e-7f));
            }
        }
    }

    /** Whatever bytes change, it is a record or refused: nothing else comes out. */
    @Property(tries = 2000)
    void damagedRecordsAreRefusedOrRead(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 12) int changes) {
        Random random = new Random(seed);
        byte[] damaged = bytes(HeatJson.toJson(record(3, 8, seed)));
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(damaged.length);
            damaged[at] =
                    (byte)
                            (random.nextBoolean()
                                    ? "{}[]\",:0-e9x".charAt(random.nextInt(12))
                                    : random.nextInt(256));
        }
        int length = random.nextInt(4) == 0 ? random.nextInt(damaged.length) : damaged.length;
        try {
            HeatRecord read = HeatJson.read(Arrays.copyOf(damaged, length));
            assertThat(read.heat().layers() * read.heat().experts()).isPositive();
        } catch (HeatFormatException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "schema | 2 | schema is 2, this version reads 1",
                "schema | - | schema is missing",
                "fingerprint | \"../../etc/passwd\" | fingerprint is not 32 hexadecimal digits",
                "model | \"\" | model has 0 characters, expected 1 to 1024",
                "model | {\"a\":1} | model is neither a text nor a number",
                "tokens | \"NaN\" | Heat of NaN tokens; expected a number of at least 0",
                "tokens | -1 | Heat of -1.0 tokens; expected a number of at least 0",
                "tokens | \"many\" | tokens is not a number",
                "layers | 0 | layers is 0, expected a whole number from 1 to 4096",
                "layers | 1000000 | layers is 1000000, expected a whole number from 1 to 4096",
                "experts_per_layer | 2000000000 | experts_per_layer is 2000000000, expected a whole"
                        + " number from 1 to 524288",
                "experts_per_layer | 5 | shares has 24 characters; 10 experts take 28",
                "layers | 1.5 | layers is 1.5, expected a whole number from 1 to 4096",
                "at | \"yesterday\" | at is not a time",
                "shares | \"************************\" | shares is not base64",
                "shares | [1] | shares is neither a text nor a number",
            })
    void whatIsWrongIsSaid(String field, String value, String message) {
        assertThatThrownBy(() -> HeatJson.read(with(field, value)))
                .isInstanceOf(HeatFormatException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void fieldsOfLaterVersionsArePassedOver() throws Exception {
        byte[] more = with("colour", "{\"deep\":[[[1]],null]}");
        assertThat(HeatJson.read(more).heat()).isEqualTo(HeatJson.read(with("x", "1")).heat());
    }

    @Test
    void whatIsNoJsonIsRefused() {
        for (String text : new String[] {"", "[]", "null", "{}{}", "{\"schema\":1", "\u0000"}) {
            assertThatThrownBy(() -> HeatJson.read(bytes(text)))
                    .isInstanceOf(HeatFormatException.class);
        }
        assertThatThrownBy(() -> HeatJson.read(new byte[] {'{', (byte) 0xFF}))
                .isInstanceOf(HeatFormatException.class);
        assertThatThrownBy(() -> HeatJson.read(bytes(HeatJson.toJson(record(1, 1, 1)) + "{}")))
                .hasMessageStartingWith("is not a JSON object");
        assertThatThrownBy(() -> HeatJson.read(new byte[HeatJson.MOST_BYTES + 1]))
                .hasMessage("is larger than any heat record: 4194305 bytes");
    }

    @Test
    void aLargeModelsRecordIsSmall() {
        assertThat(HeatJson.toJson(record(48, 128, 1)).length()).isLessThan(17_000);
        assertThat(new JsonPrimitive(HeatJson.toJson(record(61, 256, 1))).getAsString().length())
                .isLessThan(43_000);
    }
}
