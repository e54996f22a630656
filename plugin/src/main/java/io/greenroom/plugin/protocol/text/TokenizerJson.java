package io.greenroom.plugin.protocol.text;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads from a tokenizer.json which bytes each token stands for. */
final class TokenizerJson {

    /** Ids beyond any vocabulary; larger ones would only reserve memory. */
    private static final int MAX_TOKENS = 1 << 22;

    private static final Pattern BYTE_TOKEN = Pattern.compile("<0x([0-9A-Fa-f]{2})>");

    /** SentencePiece's mark for a space. */
    private static final char LOW_LINE = '\u2581';

    private final Map<Integer, String> vocabulary = new HashMap<>();
    private final Map<Integer, String> added = new HashMap<>();
    private final BitSet special = new BitSet();
    private @Nullable JsonElement decoder;

    private TokenizerJson() {}

    /**
     * Reads the token table.
     *
     * @throws TokenizerException if the JSON is damaged or decodes in a way not supported
     */
    static TokenBytes tokenBytes(String json) throws TokenizerException {
        TokenizerJson read = new TokenizerJson();
        try (JsonReader reader = new JsonReader(new StringReader(json))) {
            read.read(reader);
        } catch (TokenizerException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // The parser has many exceptions for JSON of an unexpected shape.
            throw new TokenizerException("tokenizer.json is damaged: " + e.getMessage(), e);
        }
        return read.table();
    }

    private void read(JsonReader reader) throws IOException {
        reader.beginObject();
        while (reader.hasNext()) {
            switch (reader.nextName()) {
                case "added_tokens" -> addedTokens(reader);
                case "decoder" -> decoder = JsonParser.parseReader(reader);
                case "model" -> model(reader);
                default -> reader.skipValue();
            }
        }
        reader.endObject();
    }

    private void addedTokens(JsonReader reader) throws IOException {
        reader.beginArray();
        while (reader.hasNext()) {
            JsonObject token = JsonParser.parseReader(reader).getAsJsonObject();
            int id = checked(member(token, "id").getAsInt());
            added.put(id, member(token, "content").getAsString());
            if (token.has("special") && token.get("special").getAsBoolean()) {
                special.set(id);
            }
        }
        reader.endArray();
    }

    private static JsonElement member(JsonObject object, String name) {
        JsonElement member = object.get(name);
        if (member == null) {
            throw new JsonParseException("an added token has no \"" + name + "\"");
        }
        return member;
    }

    private void model(JsonReader reader) throws IOException {
        reader.beginObject();
        while (reader.hasNext()) {
            String name = reader.nextName();
            if (name.equals("type") && reader.peek() == JsonToken.STRING) {
                String type = reader.nextString();
                if (!type.equals("BPE")) {
                    throw new TokenizerException(
                            "tokenizer.json has a model of type \""
                                    + type
                                    + "\"; supported is \"BPE\"");
                }
            } else if (name.equals("vocab")) {
                reader.beginObject();
                while (reader.hasNext()) {
                    String token = reader.nextName();
                    vocabulary.put(checked(reader.nextInt()), token);
                }
                reader.endObject();
            } else {
                reader.skipValue();
            }
        }
        reader.endObject();
    }

    private static int checked(int id) throws TokenizerException {
        if (id < 0 || id >= MAX_TOKENS) {
            throw new TokenizerException(
                    "tokenizer.json has a token with id " + id + "; expected 0 to " + MAX_TOKENS);
        }
        return id;
    }

    private TokenBytes table() throws TokenizerException {
        Set<String> steps = new HashSet<>(decoderSteps(decoder));
        boolean byteLevel = steps.contains("ByteLevel");
        boolean sentencePiece = steps.contains("ByteFallback");
        if (byteLevel == sentencePiece) {
            throw new TokenizerException(
                    "tokenizer.json has the decoder "
                            + steps
                            + "; supported are ByteLevel, and sequences with ByteFallback");
        }
        int size = 0;
        for (int id : vocabulary.keySet()) {
            size = Math.max(size, id + 1);
        }
        for (int id : added.keySet()) {
            size = Math.max(size, id + 1);
        }
        byte[][] pieces = new byte[size][0];
        vocabulary.forEach(
                (id, token) ->
                        pieces[id] = byteLevel ? ByteAlphabet.bytes(token) : sentencePiece(token));
        added.forEach(
                (id, token) ->
                        pieces[id] =
                                byteLevel
                                        ? ByteAlphabet.bytes(token)
                                        : token.getBytes(StandardCharsets.UTF_8));
        return new TokenBytes(pieces, special, steps.contains("Strip"));
    }

    private static List<String> decoderSteps(@Nullable JsonElement decoder) {
        List<String> steps = new ArrayList<>();
        if (decoder instanceof JsonObject object && object.has("type")) {
            steps.add(object.get("type").getAsString());
            if (object.has("decoders")) {
                for (JsonElement step : object.getAsJsonArray("decoders")) {
                    steps.addAll(decoderSteps(step));
                }
            }
        }
        return steps;
    }

    private static byte[] sentencePiece(String token) {
        Matcher single = BYTE_TOKEN.matcher(token);
        return single.matches()
                ? new byte[] {(byte) Integer.parseInt(single.group(1), 16)}
                : token.replace(LOW_LINE, ' ').getBytes(StandardCharsets.UTF_8);
    }
}
