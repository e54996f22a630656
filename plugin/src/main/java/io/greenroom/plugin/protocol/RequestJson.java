package io.greenroom.plugin.protocol;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import com.google.gson.internal.Streams;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads a request's body. */
public final class RequestJson {

    /** Deeper requests are attacks on the parser. */
    private static final int MAX_NESTING = 64;

    private static final Pattern POSITION = Pattern.compile("line (\\d+) column (\\d+)");

    private RequestJson() {}

    /**
     * Parses a body, which must be one JSON object in UTF-8.
     *
     * @throws RequestException saying where the body stops being JSON
     */
    public static JsonObject parse(byte[] body) throws RequestException {
        String text = utf8(body);
        try (JsonReader reader = reader(text)) {
            if (reader.peek() != JsonToken.BEGIN_OBJECT) {
                throw invalid(
                        "The body is not a JSON object; it begins with " + kind(reader.peek()));
            }
            JsonElement element = Streams.parse(reader);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new IllegalStateException("more follows the object");
            }
            return element.getAsJsonObject();
        } catch (IOException | JsonParseException | IllegalStateException e) {
            throw invalid(
                    body.length == 0
                            ? "The body is empty; send a JSON object"
                            : "The body is not JSON" + position(e.getMessage()));
        }
    }

    /**
     * The model a body names, read without building the whole. Of several the last counts, as in
     * {@link #parse}.
     *
     * @return null if it names none as far as it can be read
     */
    public static @Nullable String model(byte[] body) {
        String model = null;
        try (JsonReader reader = reader(new String(body, StandardCharsets.UTF_8))) {
            if (reader.peek() != JsonToken.BEGIN_OBJECT) {
                return null;
            }
            reader.beginObject();
            while (reader.hasNext()) {
                if (!reader.nextName().equals("model")) {
                    reader.skipValue();
                } else if (reader.peek() == JsonToken.STRING) {
                    model = reader.nextString();
                } else {
                    reader.skipValue();
                    model = null;
                }
            }
            return model;
        } catch (IOException | IllegalStateException e) {
            // Whoever parses the whole will say what is wrong.
            return model;
        }
    }

    private static String kind(JsonToken token) {
        return switch (token) {
            case BEGIN_ARRAY -> "an array";
            case STRING -> "a string";
            case NUMBER -> "a number";
            case BOOLEAN -> "true or false";
            case NULL -> "null";
            default -> "nothing";
        };
    }

    private static JsonReader reader(String text) {
        JsonReader reader = new JsonReader(new StringReader(text));
        reader.setStrictness(Strictness.STRICT);
        reader.setNestingLimit(MAX_NESTING);
        return reader;
    }

    private static String utf8(byte[] body) throws RequestException {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
        } catch (CharacterCodingException e) {
            throw invalid("The body is not UTF-8");
        }
    }

    private static String position(@Nullable String text) {
        Matcher place = POSITION.matcher(text == null ? "" : text);
        return place.find() ? ", at line " + place.group(1) + " column " + place.group(2) : "";
    }

    private static RequestException invalid(String message) {
        return new RequestException(ApiError.invalid(null, message));
    }
}
