package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Several measurements of one thing.
 *
 * @param sorted ascending, at least one
 */
record Spread(double[] sorted) {

    static Spread of(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        if (sorted.length == 0) {
            throw new IllegalArgumentException("A spread needs at least one value");
        }
        return new Spread(sorted);
    }

    double median() {
        int n = sorted.length;
        return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }

    double least() {
        return sorted[0];
    }

    double most() {
        return sorted[sorted.length - 1];
    }

    /** Median and range, with so many decimals. */
    String inWords(int decimals) {
        String number = "%." + decimals + "f";
        return String.format(
                Locale.ROOT,
                number + " (" + number + "-" + number + ")",
                median(),
                least(),
                most());
    }

    JsonObject toJson() {
        JsonObject json = new JsonObject();
        json.addProperty("median", median());
        json.addProperty("least", least());
        json.addProperty("most", most());
        JsonArray all = new JsonArray();
        Arrays.stream(sorted).forEach(all::add);
        json.add("values", all);
        return json;
    }
}
