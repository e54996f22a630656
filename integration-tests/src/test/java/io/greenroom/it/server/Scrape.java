package io.greenroom.it.server;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A scrape in Prometheus's text format.
 *
 * @param types type of each family, by name
 * @param samples all of them
 */
record Scrape(Map<String, String> types, List<Sample> samples) {

    private static final Pattern SAMPLE =
            Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)\\})? ([^ ]+)");
    private static final Pattern LABEL =
            Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    /** One line. */
    record Sample(String name, Map<String, String> labels, double value) {}

    static Scrape of(String text) {
        Map<String, String> types = new TreeMap<>();
        List<Sample> samples = new ArrayList<>();
        for (String line : text.lines().toList()) {
            if (line.startsWith("# TYPE ")) {
                String[] words = line.split(" ", -1);
                types.put(words[2], words[3]);
            } else if (!line.startsWith("#") && !line.isBlank()) {
                samples.add(sample(line));
            }
        }
        return new Scrape(types, samples);
    }

    private static Sample sample(String line) {
        Matcher parts = SAMPLE.matcher(line);
        if (!parts.matches()) {
            throw new AssertionError("No sample: " + line);
        }
        Map<String, String> labels = new LinkedHashMap<>();
        if (parts.group(2) != null) {
            Matcher label = LABEL.matcher(parts.group(2));
            while (label.find()) {
                labels.put(label.group(1), label.group(2));
            }
        }
        return new Sample(parts.group(1), labels, Double.parseDouble(parts.group(3)));
    }

    /** Names of samples, and the labels they come with. */
    Map<String, Set<String>> names() {
        Map<String, Set<String>> names = new TreeMap<>();
        for (Sample sample : samples) {
            names.computeIfAbsent(sample.name(), name -> new TreeSet<>())
                    .addAll(sample.labels().keySet());
        }
        return names;
    }

    /** Sum over all samples of a name that have a model's label. */
    double sum(String name, String model) {
        return samples.stream()
                .filter(s -> s.name().equals(name) && model.equals(s.labels().get("model")))
                .mapToDouble(Sample::value)
                .sum();
    }

    /** Whether any sample is of a model. */
    boolean knows(String model) {
        return samples.stream().anyMatch(s -> model.equals(s.labels().get("model")));
    }
}
