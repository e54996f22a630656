package io.greenroom.offload.store;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.ToNumberPolicy;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads untrusted JSON: RFC 8259 only, no duplicate names, bounded nesting, nothing after the
 * value. Gson's own tree builder forgives all of these.
 */
final class StrictJson {

    private static final int MAX_DEPTH = 32;

    private StrictJson() {}

    /** Reads a file that must hold one JSON object. */
    static JsonObject readObject(Path file, long maxBytes) throws CheckpointException {
        try (HeaderReader in = HeaderReader.open(file, maxBytes)) {
            if (in.size() > maxBytes) {
                throw new CheckpointException(
                        file, "has " + in.size() + " bytes; expected at most " + maxBytes);
            }
            return readObject(file, in.stream(in.size(), "JSON text"));
        }
    }

    private static JsonObject readObject(Path file, InputStream in) throws CheckpointException {
        try (JsonReader reader = reader(in)) {
            JsonElement root = element(file, reader);
            requireEnd(reader);
            if (root instanceof JsonObject object) {
                return object;
            }
            throw new CheckpointException(file, "not a JSON object");
        } catch (CheckpointException e) {
            throw e;
        } catch (IOException | IllegalStateException | NumberFormatException e) {
            throw malformed(file, "", e);
        }
    }

    /** A reader that accepts nothing but standard JSON. */
    static JsonReader reader(InputStream in) {
        JsonReader reader = new JsonReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        reader.setStrictness(Strictness.STRICT);
        reader.setNestingLimit(MAX_DEPTH);
        return reader;
    }

    /** Refuses anything but white space after the value. */
    static void requireEnd(JsonReader reader) throws IOException {
        if (reader.peek() != JsonToken.END_DOCUMENT) {
            throw new MalformedJsonException("something follows the end of the value");
        }
    }

    static CheckpointException malformed(Path file, String where, Exception cause) {
        String reason =
                cause instanceof EOFException ? "it ends too early" : reason(cause.getMessage());
        String kind =
                cause instanceof MalformedJsonException || cause instanceof EOFException
                        ? "not well-formed JSON"
                        : "not the expected JSON";
        return new CheckpointException(file, where + kind + ": " + reason, cause);
    }

    private static String reason(@Nullable String message) {
        return message == null
                ? "unreadable"
                : Untrusted.shown(message.lines().findFirst().orElse("unreadable"));
    }

    private static JsonElement element(Path file, JsonReader reader) throws IOException {
        switch (reader.peek()) {
            case BEGIN_OBJECT -> {
                JsonObject object = new JsonObject();
                reader.beginObject();
                while (reader.hasNext()) {
                    String name = reader.nextName();
                    if (object.has(name)) {
                        throw new CheckpointException(
                                file,
                                "\""
                                        + Untrusted.shown(name)
                                        + "\" appears twice at "
                                        + Untrusted.shown(reader.getPath()));
                    }
                    object.add(name, element(file, reader));
                }
                reader.endObject();
                return object;
            }
            case BEGIN_ARRAY -> {
                JsonArray array = new JsonArray();
                reader.beginArray();
                while (reader.hasNext()) {
                    array.add(element(file, reader));
                }
                reader.endArray();
                return array;
            }
            case STRING -> {
                return new JsonPrimitive(reader.nextString());
            }
            case NUMBER -> {
                return new JsonPrimitive(ToNumberPolicy.LAZILY_PARSED_NUMBER.readNumber(reader));
            }
            case BOOLEAN -> {
                return new JsonPrimitive(reader.nextBoolean());
            }
            default -> {
                reader.nextNull();
                return JsonNull.INSTANCE;
            }
        }
    }
}
