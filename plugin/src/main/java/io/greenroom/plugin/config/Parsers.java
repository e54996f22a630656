package io.greenroom.plugin.config;

import io.greenroom.cache.ByteSize;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** How values of options are read. */
final class Parsers {

    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})\\s*(ms|s|m|h)");

    private static final Pattern SERVER =
            Pattern.compile("(?:[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.%]+\\]):(\\d{1,5})");
    private static final Pattern TOPIC = Pattern.compile("[a-zA-Z0-9._-]{1,249}");

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

    /** Reads "250ms", "5s", "2m" or "1h". */
    static Function<String, Duration> duration(Duration least, Duration most) {
        String accepted =
                "write a time from " + text(least) + " to " + text(most) + ", like 500ms or 5s";
        return text -> {
            Matcher matcher = DURATION.matcher(text.trim().toLowerCase(Locale.ROOT));
            if (!matcher.matches()) {
                throw new IllegalArgumentException(accepted);
            }
            long count = Long.parseLong(matcher.group(1));
            Duration value =
                    switch (matcher.group(2)) {
                        case "ms" -> Duration.ofMillis(count);
                        case "s" -> Duration.ofSeconds(count);
                        case "m" -> Duration.ofMinutes(count);
                        default -> Duration.ofHours(count);
                    };
            if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
                throw new IllegalArgumentException(accepted);
            }
            return value;
        };
    }

    private static String text(Duration value) {
        if (value.toMillis() % 1000 != 0) {
            return value.toMillis() + "ms";
        }
        return value.toSeconds() % 3600 == 0 ? value.toHours() + "h" : value.toSeconds() + "s";
    }

    /** A path, as text; empty is none. */
    static Function<String, String> file() {
        return text -> {
            try {
                return Path.of(text.trim()).toString();
            } catch (InvalidPathException e) {
                throw new IllegalArgumentException("not a file name: " + e.getReason(), e);
            }
        };
    }

    /** A path; there is none if nothing is written. */
    static Function<String, Optional<Path>> folder() {
        return file().andThen(
                        text -> text.isEmpty() ? Optional.empty() : Optional.of(Path.of(text)));
    }

    /** Kafka's brokers, "host:port,host:port". */
    static Function<String, String> servers() {
        return text -> {
            String[] servers = text.trim().split("\\s*,\\s*", -1);
            for (String server : servers) {
                Matcher matcher = SERVER.matcher(server);
                if (!matcher.matches() || Integer.parseInt(matcher.group(1)) > 65535) {
                    throw new IllegalArgumentException(
                            "write host:port, and commas between several, like"
                                    + " kafka-1:9092,kafka-2:9092");
                }
            }
            return String.join(",", servers);
        };
    }

    /** A name that Kafka accepts for a topic. */
    static Function<String, String> topic() {
        return text -> {
            String name = text.trim();
            if (!TOPIC.matcher(name).matches() || name.matches("\\.\\.?")) {
                throw new IllegalArgumentException(
                        "write a topic's name: 1 to 249 of the letters a-z, A-Z, digits, dot,"
                                + " underscore and hyphen");
            }
            return name;
        };
    }

    static Function<String, Double> number(double least, double most) {
        String accepted = "write a number from " + least + " to " + most;
        return text -> {
            try {
                double value = Double.parseDouble(text.trim());
                if (value >= least && value <= most) {
                    return value;
                }
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(accepted, e);
            }
            throw new IllegalArgumentException(accepted);
        };
    }

    /** A percentage between 0 and 100, as a fraction. */
    static Function<String, Double> share() {
        String accepted = "write a share above 0% and below 100%, like 15%";
        return text -> {
            String trimmed = text.trim();
            try {
                double percent =
                        trimmed.endsWith("%")
                                ? Double.parseDouble(trimmed.substring(0, trimmed.length() - 1))
                                : Double.NaN;
                if (percent > 0 && percent < 100) {
                    return percent / 100;
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

    /** A size for each second, with or without "/s"; 0 for none. */
    static Function<String, Long> bytesPerSecond() {
        String accepted = "write a size above 0 (200MB, 1GiB), or none";
        return text -> {
            String value = text.trim();
            if (value.equalsIgnoreCase("none")) {
                return 0L;
            }
            try {
                String size = value.endsWith("/s") ? value.substring(0, value.length() - 2) : value;
                long bytes = ByteSize.parse(size).bytes();
                if (bytes > 0) {
                    return bytes;
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(accepted, e);
            }
            throw new IllegalArgumentException(accepted);
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
