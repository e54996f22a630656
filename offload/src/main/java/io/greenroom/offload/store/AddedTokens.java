package io.greenroom.offload.store;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import java.util.OptionalInt;

/** Finds control marks in a tokenizer.json, which is otherwise left to the tokenizer. */
final class AddedTokens {

    private AddedTokens() {}

    /**
     * The id of the added token that is written like this.
     *
     * @return empty if there is none, or the JSON is damaged: whoever reads all of it says so
     */
    static OptionalInt id(String tokenizerJson, String text) {
        try (JsonReader reader = new JsonReader(new StringReader(tokenizerJson))) {
            reader.beginObject();
            while (reader.hasNext()) {
                if (reader.nextName().equals("added_tokens")) {
                    return find(JsonParser.parseReader(reader), text);
                }
                reader.skipValue();
            }
            return OptionalInt.empty();
        } catch (IOException
                | JsonParseException
                | IllegalStateException
                | NumberFormatException e) {
            return OptionalInt.empty();
        }
    }

    private static OptionalInt find(JsonElement tokens, String text) {
        if (tokens.isJsonArray()) {
            for (JsonElement element : tokens.getAsJsonArray()) {
                if (element instanceof JsonObject token
                        && token.get("content") instanceof JsonPrimitive content
                        && content.getAsString().equals(text)
                        && token.get("id") instanceof JsonPrimitive id) {
                    return OptionalInt.of(id.getAsInt());
                }
            }
        }
        return OptionalInt.empty();
    }
}
