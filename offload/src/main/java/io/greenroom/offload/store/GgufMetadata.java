package io.greenroom.offload.store;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * The key-value pairs of a GGUF header. Values are held as {@link Long} (all integers), {@link
 * Double}, {@link Boolean}, {@link String}, {@code List<String>}, {@code int[]}, {@code float[]},
 * or {@link SkippedArray}. Accessors check type and range; what is wrong goes to {@link Problems},
 * with a stand-in value returned so that all keys can be looked at.
 */
final class GgufMetadata {

    /** An array nobody asks for: its bounds were checked, its content was not kept. */
    record SkippedArray(String elementType, long count) {
        @Override
        public String toString() {
            return "an array of " + count + " " + elementType;
        }
    }

    private final Map<String, Object> values = new LinkedHashMap<>();

    /** False if the key was there before. */
    boolean put(String key, Object value) {
        return values.putIfAbsent(key, value) == null;
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    OptionalInt integer(String key, long min, long max, Problems problems) {
        Object value = values.get(key);
        if (value == null) {
            return OptionalInt.empty();
        }
        if (!(value instanceof Long number) || number < min || number > max) {
            problems.add(
                    "metadata key "
                            + key
                            + " is "
                            + describe(value)
                            + "; expected an integer from "
                            + min
                            + " to "
                            + max);
            return OptionalInt.of((int) min);
        }
        return OptionalInt.of(number.intValue());
    }

    int requiredInteger(String key, long min, long max, Problems problems) {
        if (!has(key)) {
            problems.add(
                    "metadata key "
                            + key
                            + " is missing; expected an integer from "
                            + min
                            + " to "
                            + max);
        }
        return integer(key, min, max, problems).orElse((int) min);
    }

    OptionalDouble number(String key, double above, double most, Problems problems) {
        Object value = values.get(key);
        if (value == null) {
            return OptionalDouble.empty();
        }
        double number = value instanceof Number n ? n.doubleValue() : Double.NaN;
        if (!(number > above && number <= most)) {
            problems.add(
                    "metadata key "
                            + key
                            + " is "
                            + describe(value)
                            + "; expected a number above "
                            + above
                            + ", at most "
                            + most);
            return OptionalDouble.of(most);
        }
        return OptionalDouble.of(number);
    }

    Optional<String> string(String key, Problems problems) {
        return typed(key, String.class, "a string", problems);
    }

    Optional<Boolean> bool(String key, Problems problems) {
        return typed(key, Boolean.class, "true or false", problems);
    }

    Optional<int[]> integers(String key, Problems problems) {
        return typed(key, int[].class, "an array of 32-bit integers", problems);
    }

    Optional<float[]> floats(String key, Problems problems) {
        return typed(key, float[].class, "an array of 32-bit floats", problems);
    }

    @SuppressWarnings("unchecked") // the reader keeps no other lists
    Optional<List<String>> strings(String key, Problems problems) {
        return typed(key, List.class, "an array of strings", problems).map(l -> (List<String>) l);
    }

    private <T> Optional<T> typed(String key, Class<T> type, String expected, Problems problems) {
        Object value = values.get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!type.isInstance(value)) {
            problems.add(
                    "metadata key " + key + " is " + describe(value) + "; expected " + expected);
            return Optional.empty();
        }
        return Optional.of(type.cast(value));
    }

    private static String describe(Object value) {
        if (value instanceof String text) {
            return "\"" + Untrusted.shown(text) + "\"";
        }
        if (value instanceof List<?> list) {
            return "an array of " + list.size() + " strings";
        }
        if (value instanceof int[] array) {
            return "an array of " + array.length + " integers";
        }
        if (value instanceof float[] array) {
            return "an array of " + array.length + " floats";
        }
        return String.format(Locale.ROOT, "%s", value);
    }
}
