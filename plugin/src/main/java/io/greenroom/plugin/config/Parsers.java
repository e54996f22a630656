package io.greenroom.plugin.config;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/** How values of options are read. */
final class Parsers {

    private Parsers() {}

    static Function<String, Integer> integer(int least, int most) {
        String accepted = "write an integer from " + least + " to " + most;
        return text -> {
            try {
                int value = Integer.parseInt(text.trim());
                if (value >= least && value <= most) {
                    return value;
                }
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(accepted, e);
            }
            throw new IllegalArgumentException(accepted);
        };
    }

    static Function<String, Boolean> bool() {
        return text ->
                switch (text.trim().toLowerCase(Locale.ROOT)) {
                    case "true" -> true;
                    case "false" -> false;
                    default -> throw new IllegalArgumentException("write true or false");
                };
    }

    static <E extends Enum<E>> Function<String, E> oneOf(Class<E> type) {
        String accepted =
                Arrays.stream(type.getEnumConstants())
                        .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.joining(", ", "write one of ", ""));
        return text -> {
            try {
                return Enum.valueOf(type, text.trim().toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(accepted, e);
            }
        };
    }

    /** For choices of which only some are there yet. */
    static Function<String, String> only(List<String> values, String others) {
        return text -> {
            String value = text.trim().toLowerCase(Locale.ROOT);
            if (values.contains(value)) {
                return value;
            }
            throw new IllegalArgumentException(
                    "write " + String.join(" or ", values) + "; " + others);
        };
    }
}
