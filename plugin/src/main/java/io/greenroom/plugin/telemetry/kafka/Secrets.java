package io.greenroom.plugin.telemetry.kafka;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Texts that must not appear anywhere. What Kafka or a login module says of a mistake may quote it.
 *
 * @param texts longest first, so that none is left behind in another's rest
 */
record Secrets(List<String> texts) {

    private static final String HIDDEN = "[hidden]";

    /** A login module's options, {@code password="x"} or without quotes. */
    private static final Pattern OPTION =
            Pattern.compile("=\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|'([^']*)'|([^\\s;\"']+))");

    /** Shorter ones are part of ordinary words. */
    private static final int SHORTEST = 3;

    /**
     * @param properties by their names
     * @param secret says which names' values are
     */
    static Secrets of(Map<String, String> properties, Predicate<String> secret) {
        Set<String> found = new HashSet<>();
        properties.forEach(
                (name, value) -> {
                    if (secret.test(name)) {
                        found.add(value);
                        Matcher options = OPTION.matcher(value);
                        while (options.find()) {
                            for (int group = 1; group <= options.groupCount(); group++) {
                                if (options.group(group) != null) {
                                    found.add(options.group(group));
                                }
                            }
                        }
                    }
                });
        return new Secrets(
                found.stream()
                        .map(String::strip)
                        .filter(text -> text.length() >= SHORTEST)
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .toList());
    }

    String redact(String text) {
        String safe = text;
        for (String secret : texts) {
            safe = safe.replace(secret, HIDDEN);
        }
        return safe;
    }
}
