package io.greenroom.offload.store;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The fields of an untrusted JSON object, with type and range checked. What is wrong goes to {@link
 * Problems} with key, value and what is expected; a stand-in is returned so that the remaining
 * fields can be looked at. A field that is null counts as absent, as in Transformers.
 */
final class JsonFields {

    private static final Pattern INTEGER = Pattern.compile("-?\\d{1,18}");

    private final String prefix;
    private final JsonObject object;
    private final Problems problems;

    JsonFields(JsonObject object, Problems problems) {
        this("", object, problems);
    }

    private JsonFields(String prefix, JsonObject object, Problems problems) {
        this.prefix = prefix;
        this.object = object;
        this.problems = problems;
    }

    boolean has(String key) {
        return get(key) != null;
    }

    OptionalInt integer(String key, long min, long max) {
        JsonElement value = get(key);
        if (value == null) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(
                toInteger(value, min, max)
                        .orElseGet(
                                () -> {
                                    wrong(key, value, "an integer from " + min + " to " + max);
                                    return (int) min;
                                }));
    }

    int requiredInteger(String key, long min, long max) {
        return integer(key, min, max)
                .orElseGet(
                        () -> {
                            missing(key, "an integer from " + min + " to " + max);
                            return (int) min;
                        });
    }

    OptionalDouble number(String key, double above, double most) {
        JsonElement value = get(key);
        if (value == null) {
            return OptionalDouble.empty();
        }
        double number = isNumber(value) ? Double.parseDouble(value.getAsString()) : Double.NaN;
        if (!(number > above && number <= most)) {
            wrong(key, value, "a number above " + above + ", at most " + most);
            return OptionalDouble.of(most);
        }
        return OptionalDouble.of(number);
    }

    boolean bool(String key, boolean absent) {
        JsonElement value = get(key);
        if (value == null) {
            return absent;
        }
        if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isBoolean()) {
            wrong(key, value, "true or false");
            return absent;
        }
        return value.getAsBoolean();
    }

    Optional<String> string(String key) {
        JsonElement value = get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!isString(value)) {
            wrong(key, value, "a string");
            return Optional.empty();
        }
        return Optional.of(value.getAsString());
    }

    /** One integer or a list of them; empty if absent. */
    List<Integer> integers(String key, long min, long max) {
        JsonElement value = get(key);
        if (value == null) {
            return List.of();
        }
        List<JsonElement> elements =
                value.isJsonArray() ? value.getAsJsonArray().asList() : List.of(value);
        List<Integer> integers = new ArrayList<>();
        for (JsonElement element : elements) {
            OptionalInt integer = toInteger(element, min, max);
            if (integer.isEmpty()) {
                wrong(key, value, "integers from " + min + " to " + max);
                return List.of();
            }
            integers.add(integer.getAsInt());
        }
        return integers;
    }

    Optional<JsonFields> object(String key) {
        JsonElement value = get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isJsonObject()) {
            wrong(key, value, "an object");
            return Optional.empty();
        }
        return Optional.of(new JsonFields(prefix + key + ".", value.getAsJsonObject(), problems));
    }

    /** The field as it stands, or null if absent. */
    @Nullable JsonElement get(String key) {
        JsonElement value = object.get(key);
        return value == null || value.isJsonNull() ? null : value;
    }

    void missing(String key, String expected) {
        problems.add("\"" + prefix + key + "\" is missing; expected " + expected);
    }

    void wrong(String key, JsonElement value, String expected) {
        String text = Untrusted.shown(value.toString());
        problems.add("\"" + prefix + key + "\" is " + text + "; expected " + expected);
    }

    static boolean isString(JsonElement value) {
        return value.isJsonPrimitive() && value.getAsJsonPrimitive().isString();
    }

    private static boolean isNumber(JsonElement value) {
        return value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber();
    }

    private static OptionalInt toInteger(JsonElement value, long min, long max) {
        if (!isNumber(value) || !INTEGER.matcher(value.getAsString()).matches()) {
            return OptionalInt.empty();
        }
        long integer = Long.parseLong(value.getAsString());
        return integer < min || integer > max ? OptionalInt.empty() : OptionalInt.of((int) integer);
    }
}
