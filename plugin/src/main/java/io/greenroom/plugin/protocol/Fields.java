package io.greenroom.plugin.protocol;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Typed access to the fields of a JSON object. An absent field and null mean the default; a field
 * of the wrong type or out of range is refused with its name, its value and what is accepted.
 */
final class Fields {

    private static final int SHOWN = 60;

    private final JsonObject object;
    private final String path;

    /**
     * @param path what precedes a field's name in messages: "" or "parameters."
     */
    Fields(JsonObject object, String path) {
        this.object = object;
        this.path = path;
    }

    String name(String field) {
        return path + field;
    }

    @Nullable JsonElement get(String field) {
        JsonElement value = object.get(field);
        return value == null || value.isJsonNull() ? null : value;
    }

    boolean bool(String field, boolean absent) throws RequestException {
        JsonElement value = get(field);
        if (value == null) {
            return absent;
        }
        if (value instanceof JsonPrimitive primitive && primitive.isBoolean()) {
            return primitive.getAsBoolean();
        }
        throw wrong(field, value, "true or false");
    }

    double number(String field, double absent, double least, double most) throws RequestException {
        return number(
                field, absent, least, most, "a number from " + plain(least) + " to " + plain(most));
    }

    /**
     * @param least exclusive
     */
    double numberAbove(String field, double absent, double least, double most)
            throws RequestException {
        return number(
                field,
                absent,
                // The decoder calculates in floats, where a smaller one is nothing.
                Math.nextUp((float) least),
                most,
                "a number above " + plain(least) + " and up to " + plain(most));
    }

    private double number(String field, double absent, double least, double most, String accepted)
            throws RequestException {
        JsonElement value = get(field);
        if (value == null) {
            return absent;
        }
        if (value instanceof JsonPrimitive primitive && primitive.isNumber()) {
            double number = primitive.getAsDouble();
            if (number >= least && number <= most) {
                return number;
            }
        }
        throw wrong(field, value, accepted);
    }

    long integer(String field, long absent, long least, long most) throws RequestException {
        JsonElement value = get(field);
        if (value == null) {
            return absent;
        }
        Long number = wholeNumber(value);
        if (number != null && number >= least && number <= most) {
            return number;
        }
        throw wrong(field, value, range(least, most));
    }

    private static String range(long least, long most) {
        return "an integer from " + least + " to " + most;
    }

    /** The value if it is a whole number within a long, also when written as 3.0 or 1e3. */
    private static @Nullable Long wholeNumber(JsonElement value) {
        if (!(value instanceof JsonPrimitive primitive) || !primitive.isNumber()) {
            return null;
        }
        String text = primitive.getAsString();
        try {
            // An exponent beyond any long would make an enormous number of digits.
            double rough = Double.parseDouble(text);
            if (!(Math.abs(rough) <= 0x1p63) || (rough != 0 && Math.abs(rough) < 1e-18)) {
                return null;
            }
            return new BigDecimal(text).longValueExact();
        } catch (ArithmeticException | NumberFormatException e) {
            return null;
        }
    }

    @Nullable String string(String field) throws RequestException {
        JsonElement value = get(field);
        if (value == null) {
            return null;
        }
        if (isString(value)) {
            return value.getAsString();
        }
        throw wrong(field, value, "a string");
    }

    /** A string or an array of strings, none of them empty. */
    List<String> strings(String field, int most, int longest) throws RequestException {
        JsonElement value = get(field);
        List<String> strings = new ArrayList<>();
        if (value == null) {
            return strings;
        }
        String accepted =
                "a string or an array of up to "
                        + most
                        + " strings, each of 1 to "
                        + longest
                        + " characters";
        if (value instanceof JsonArray array) {
            if (array.size() > most) {
                throw refused(field, "has " + array.size() + " strings", accepted);
            }
            for (JsonElement element : array) {
                strings.add(text(field, element, longest, accepted));
            }
        } else {
            strings.add(text(field, value, longest, accepted));
        }
        return strings;
    }

    private String text(String field, JsonElement value, int longest, String accepted)
            throws RequestException {
        if (isString(value)) {
            String text = value.getAsString();
            if (!text.isEmpty() && text.length() <= longest && isWhole(text)) {
                return text;
            }
        }
        throw wrong(field, value, accepted);
    }

    /** Whether no half of a character is in it, which JSON can write, but no text contains. */
    private static boolean isWhole(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    @Nullable Fields object(String field) throws RequestException {
        JsonElement value = get(field);
        if (value == null) {
            return null;
        }
        if (value instanceof JsonObject inner) {
            return new Fields(inner, name(field) + ".");
        }
        throw wrong(field, value, "an object");
    }

    JsonObject json() {
        return object;
    }

    static boolean isString(JsonElement value) {
        return value instanceof JsonPrimitive primitive && primitive.isString();
    }

    RequestException wrong(String field, JsonElement value, String accepted) {
        return refused(field, "is " + shorten(value.toString()), accepted);
    }

    RequestException refused(String field, String found, String accepted) {
        return new RequestException(
                ApiError.invalid(
                        name(field),
                        "\"" + name(field) + "\" " + found + "; expected " + accepted));
    }

    RequestException missing(String field, String accepted) {
        return new RequestException(
                ApiError.invalid(
                        name(field), "\"" + name(field) + "\" is missing; expected " + accepted));
    }

    static String shorten(String text) {
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number);
    }
}
