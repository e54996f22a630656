package io.greenroom.plugin.heat;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import io.greenroom.cache.heat.Heat;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Heat records as JSON, one object on one line; {@code docs/warm-start.md} describes every field
 * and has the JSON Schema.
 *
 * <p>Shares are 16-bit numbers, little-endian, in base64: share = number / 65535. That is two bytes
 * per expert before compression, half as many as decimals take, and what is not a share (NaN, below
 * 0, above 1) cannot be written at all.
 *
 * <p>Records come from other machines: everything is checked before it is used, sizes before
 * anything is allocated for them. Fields that are not known are passed over.
 */
public final class HeatJson {

    /** Bytes of the largest record there is any use for. */
    public static final int MOST_BYTES = 4 << 20;

    private static final int MOST_LAYERS = 4096;
    private static final int MOST_EXPERTS = 1 << 20; // of all layers
    private static final int MOST_TEXT = 1024;
    private static final double UNIT = 65535;

    private HeatJson() {}

    /** The record as one line, without a line break. */
    public static String toJson(HeatRecord record) {
        StringWriter text = new StringWriter(4096);
        try (JsonWriter json = new JsonWriter(text)) {
            json.beginObject();
            json.name("schema").value(HeatRecord.SCHEMA);
            json.name("model").value(record.key().model());
            json.name("fingerprint").value(record.key().fingerprint());
            json.name("host").value(record.host());
            json.name("at").value(record.at().toString());
            json.name("tokens").value(record.heat().tokens());
            json.name("layers").value(record.heat().layers());
            json.name("experts_per_layer").value(record.heat().experts());
            json.name("shares").value(encode(record.heat()));
            json.endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a StringWriter throws none
        }
        return text.toString();
    }

    private static String encode(Heat heat) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * heat.layers() * heat.experts());
        bytes.order(ByteOrder.LITTLE_ENDIAN);
        for (int layer = 0; layer < heat.layers(); layer++) {
            for (float share : heat.shares(layer)) {
                bytes.putShort((short) Math.round(share * UNIT));
            }
        }
        return Base64.getEncoder().encodeToString(bytes.array());
    }

    /**
     * Reads a record.
     *
     * @param bytes UTF-8
     * @throws HeatFormatException if it is none, naming the field
     */
    public static HeatRecord read(byte[] bytes) throws HeatFormatException {
        if (bytes.length > MOST_BYTES) {
            throw new HeatFormatException(
                    "is larger than any heat record: " + bytes.length + " bytes");
        }
        Fields fields = new Fields();
        try (JsonReader json = new JsonReader(new StringReader(text(bytes)))) {
            json.beginObject();
            while (json.hasNext()) {
                fields.read(json.nextName(), json);
            }
            json.endObject();
            var unused = json.peek(); // throws if anything follows
        } catch (HeatFormatException e) {
            throw e;
        } catch (IOException | IllegalStateException e) {
            throw new HeatFormatException("is not a JSON object: " + e.getMessage(), e);
        }
        return fields.record();
    }

    private static String text(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    }

    /** What was found so far. */
    private static final class Fields {

        private @Nullable String schema;
        private @Nullable String model;
        private @Nullable String fingerprint;
        private @Nullable String host;
        private @Nullable String at;
        private @Nullable String tokens;
        private @Nullable String layers;
        private @Nullable String experts;
        private @Nullable String shares;

        void read(String name, JsonReader json) throws IOException {
            switch (name) {
                case "schema" -> schema = scalar(name, json);
                case "model" -> model = scalar(name, json);
                case "fingerprint" -> fingerprint = scalar(name, json);
                case "host" -> host = scalar(name, json);
                case "at" -> at = scalar(name, json);
                case "tokens" -> tokens = scalar(name, json);
                case "layers" -> layers = scalar(name, json);
                case "experts_per_layer" -> experts = scalar(name, json);
                case "shares" -> shares = scalar(name, json);
                default -> json.skipValue();
            }
        }

        private static String scalar(String name, JsonReader json) throws IOException {
            JsonToken token = json.peek();
            if (token != JsonToken.STRING && token != JsonToken.NUMBER) {
                throw new HeatFormatException(name + " is neither a text nor a number");
            }
            return json.nextString();
        }

        HeatRecord record() throws HeatFormatException {
            int version = whole("schema", schema, Integer.MAX_VALUE);
            if (version != HeatRecord.SCHEMA) {
                throw new HeatFormatException(
                        "schema is " + version + ", this version reads " + HeatRecord.SCHEMA);
            }
            String print = bounded("fingerprint", fingerprint);
            if (!print.matches("[0-9a-f]{32}")) {
                throw new HeatFormatException("fingerprint is not 32 hexadecimal digits");
            }
            HeatKey key = new HeatKey(bounded("model", model), print);
            int rows = whole("layers", layers, MOST_LAYERS);
            int cols = whole("experts_per_layer", experts, MOST_EXPERTS / rows);
            float[] values = decode(rows * cols, there("shares", shares));
            try {
                return new HeatRecord(
                        key,
                        bounded("host", host),
                        Instant.parse(bounded("at", at)),
                        new Heat(rows, cols, number("tokens", tokens), values));
            } catch (DateTimeException e) {
                throw new HeatFormatException("at is not a time: " + e.getMessage(), e);
            } catch (IllegalArgumentException e) {
                throw new HeatFormatException(String.valueOf(e.getMessage()), e);
            }
        }

        private static float[] decode(int count, String base64) throws HeatFormatException {
            int bytes = 2 * count;
            if (base64.length() != (bytes + 2) / 3 * 4) {
                throw new HeatFormatException(
                        "shares has "
                                + base64.length()
                                + " characters; "
                                + count
                                + " experts take "
                                + (bytes + 2) / 3 * 4);
            }
            ByteBuffer numbers;
            try {
                numbers = ByteBuffer.wrap(Base64.getDecoder().decode(base64));
            } catch (IllegalArgumentException e) {
                throw new HeatFormatException("shares is not base64: " + e.getMessage(), e);
            }
            if (numbers.remaining() != bytes) {
                throw new HeatFormatException("shares is of " + numbers.remaining() + " bytes");
            }
            numbers.order(ByteOrder.LITTLE_ENDIAN);
            float[] values = new float[count];
            for (int i = 0; i < count; i++) {
                values[i] = (float) (Short.toUnsignedInt(numbers.getShort()) / UNIT);
            }
            return values;
        }

        private static String there(String name, @Nullable String value)
                throws HeatFormatException {
            if (value == null) {
                throw new HeatFormatException(name + " is missing");
            }
            return value;
        }

        private static String bounded(String name, @Nullable String value)
                throws HeatFormatException {
            String text = there(name, value);
            if (text.isEmpty() || text.length() > MOST_TEXT) {
                throw new HeatFormatException(
                        name + " has " + text.length() + " characters, expected 1 to " + MOST_TEXT);
            }
            return text;
        }

        private static double number(String name, @Nullable String value)
                throws HeatFormatException {
            try {
                return Double.parseDouble(bounded(name, value));
            } catch (NumberFormatException e) {
                throw new HeatFormatException(name + " is not a number", e);
            }
        }

        private static int whole(String name, @Nullable String value, int most)
                throws HeatFormatException {
            double number = number(name, value);
            if (!(number >= 1 && number <= most && number == Math.rint(number))) {
                throw new HeatFormatException(
                        name + " is " + value + ", expected a whole number from 1 to " + most);
            }
            return (int) number;
        }
    }
}
