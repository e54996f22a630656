package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.sim.Clairvoyant;
import io.greenroom.cache.sim.SimulationResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A sweep as tables, as CSV, as JSON and as a chart. */
final class SimulationReport {

    private static final double MIB = 1 << 20;
    private static final double MILLIS = 1e6;

    private final SimulationSweep sweep;
    private final boolean decode;
    private final int allSlots;

    /**
     * @param decode whether hits are those of the steps without rows of a prompt
     * @param allSlots slots that would hold every expert
     */
    SimulationReport(SimulationSweep sweep, boolean decode, int allSlots) {
        this.sweep = sweep;
        this.decode = decode;
        this.allSlots = allSlots;
    }

    /** Tables for people. */
    String tables() {
        StringBuilder text = new StringBuilder();
        table(
                text,
                "Hits in % of experts asked for" + (decode ? ", decoding" : ""),
                this::hitPercent,
                this::boundPercent);
        text.append(System.lineSeparator());
        table(text, "Hits in % of the clairvoyant's", this::ofClairvoyant, i -> 100);
        text.append(System.lineSeparator());
        table(text, "MiB read for each token", this::mibPerToken, this::boundMib);
        text.append(System.lineSeparator());
        table(text, "Stall in ms for each token", this::stallPerToken, i -> Double.NaN);
        return text.toString();
    }

    /** One row for each policy and budget. */
    String csv() {
        StringBuilder csv =
                new StringBuilder(
                        "policy,split,budget,slots,hit_percent,of_clairvoyant_percent,"
                                + "hits,misses,decode_hits,decode_misses,bytes,prefetch_issued,"
                                + "prefetch_useful,prefetch_late,prefetch_wasted,"
                                + "stall_ms_per_token,decode_tokens_per_second\n");
        for (int i = 0; i < sweep.budgets().size(); i++) {
            SimulationSweep.Budget budget = sweep.budgets().get(i);
            Clairvoyant.Bound bound = sweep.bounds().get(i);
            csv.append(
                    String.format(
                            Locale.ROOT,
                            "clairvoyant,shared,%s,%d,%.3f,100,%d,%d,%d,%d,%d,,,,,,%n",
                            budget.text(),
                            budget.slots(),
                            boundPercent(i),
                            bound.hits(),
                            sweep.asked() - bound.hits(),
                            bound.decodeHits(),
                            sweep.decodeAsked() - bound.decodeHits(),
                            bound.bytesLoaded()));
        }
        for (SimulationSweep.Line line : sweep.lines()) {
            for (int i = 0; i < sweep.budgets().size(); i++) {
                SimulationResult r = line.results().get(i);
                csv.append(
                        String.format(
                                Locale.ROOT,
                                "%s,%s,%s,%d,%.3f,%.3f,%d,%d,%d,%d,%d,%d,%d,%d,%d,%.4f,%.2f%n",
                                line.policy(),
                                line.split() ? "layers" : "shared",
                                sweep.budgets().get(i).text(),
                                sweep.budgets().get(i).slots(),
                                hitPercent(line, i),
                                ofClairvoyant(line, i),
                                r.hits(),
                                r.misses(),
                                r.decodeHits(),
                                r.decodeMisses(),
                                r.bytesLoaded(),
                                r.prefetchIssued(),
                                r.prefetchUseful(),
                                r.prefetchLate(),
                                r.prefetchWasted(),
                                stallPerToken(line, i),
                                r.decodeTokensPerSecond()));
            }
        }
        return csv.toString().replace(System.lineSeparator(), "\n");
    }

    JsonObject json() {
        JsonArray results = new JsonArray();
        for (SimulationSweep.Line line : sweep.lines()) {
            for (int i = 0; i < sweep.budgets().size(); i++) {
                SimulationResult result = line.results().get(i);
                JsonObject json = new JsonObject();
                json.addProperty("policy", line.policy().toString());
                json.addProperty("split", line.split() ? "layers" : "shared");
                json.addProperty("budget", sweep.budgets().get(i).text());
                json.addProperty("slots", sweep.budgets().get(i).slots());
                json.addProperty("hit_rate", hitPercent(line, i) / 100);
                json.addProperty("of_clairvoyant", ofClairvoyant(line, i) / 100);
                json.addProperty("hits", result.hits());
                json.addProperty("misses", result.misses());
                json.addProperty("bytes", result.bytesLoaded());
                json.addProperty("prefetch_issued", result.prefetchIssued());
                json.addProperty("prefetch_useful", result.prefetchUseful());
                json.addProperty("prefetch_late", result.prefetchLate());
                json.addProperty("prefetch_wasted", result.prefetchWasted());
                json.addProperty("stall_ms_per_token", stallPerToken(line, i));
                json.addProperty("decode_tokens_per_second", result.decodeTokensPerSecond());
                results.add(json);
            }
        }
        JsonArray clairvoyant = new JsonArray();
        for (int i = 0; i < sweep.budgets().size(); i++) {
            JsonObject json = new JsonObject();
            json.addProperty("budget", sweep.budgets().get(i).text());
            json.addProperty("slots", sweep.budgets().get(i).slots());
            json.addProperty("hit_rate", boundPercent(i) / 100);
            json.addProperty("hits", sweep.bounds().get(i).hits());
            json.addProperty("bytes", sweep.bounds().get(i).bytesLoaded());
            clairvoyant.add(json);
        }
        JsonObject all = new JsonObject();
        all.addProperty("tokens", sweep.tokens());
        all.addProperty("experts_asked_for", sweep.asked());
        all.add("clairvoyant", clairvoyant);
        all.add("results", results);
        return all;
    }

    /** Hits, bytes and stall over the budget. */
    String chart(String title) {
        List<Double> places =
                sweep.budgets().stream().map(b -> 100.0 * b.slots() / allSlots).toList();
        List<LineChart.Panel> panels =
                List.of(
                        new LineChart.Panel(
                                "hits, % of experts asked for",
                                series(this::hitPercent, this::boundPercent)),
                        new LineChart.Panel(
                                "read for each token, MiB",
                                series(this::mibPerToken, this::boundMib)),
                        new LineChart.Panel(
                                "stall for each token, ms",
                                series(this::stallPerToken, i -> Double.NaN)));
        return new LineChart(title, "budget, % of all experts", places, panels).toSvg();
    }

    /** A figure of a policy at a budget. */
    private interface Figure {
        double of(SimulationSweep.Line line, int budget);
    }

    private void table(
            StringBuilder text, String title, Figure figure, ToDoubleFunction<Integer> bound) {
        text.append(String.format(Locale.ROOT, "%-34s", title));
        for (SimulationSweep.Budget budget : sweep.budgets()) {
            text.append(String.format(Locale.ROOT, "%9s", budget.text()));
        }
        text.append(System.lineSeparator());
        if (!Double.isNaN(bound.applyAsDouble(0))) {
            row(text, "  clairvoyant", bound);
        }
        for (SimulationSweep.Line line : sweep.lines()) {
            row(text, "  " + line.name(), i -> figure.of(line, i));
        }
    }

    private void row(StringBuilder text, String name, ToDoubleFunction<Integer> figure) {
        text.append(String.format(Locale.ROOT, "%-34s", name));
        for (int i = 0; i < sweep.budgets().size(); i++) {
            text.append(String.format(Locale.ROOT, "%9.2f", figure.applyAsDouble(i)));
        }
        text.append(System.lineSeparator());
    }

    private List<LineChart.Series> series(Figure figure, ToDoubleFunction<Integer> bound) {
        List<LineChart.Series> series = new ArrayList<>();
        series.add(new LineChart.Series("clairvoyant", 0, true, values(bound)));
        for (SimulationSweep.Line line : sweep.lines()) {
            series.add(
                    new LineChart.Series(
                            line.name(),
                            1 + line.policy().ordinal(),
                            line.split(),
                            values(i -> figure.of(line, i))));
        }
        return series;
    }

    private List<Double> values(ToDoubleFunction<Integer> figure) {
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < sweep.budgets().size(); i++) {
            values.add(figure.applyAsDouble(i));
        }
        return values;
    }

    private double hitPercent(SimulationSweep.Line line, int budget) {
        SimulationResult result = line.results().get(budget);
        return 100 * (decode ? result.decodeHitRate() : result.hitRate());
    }

    private double boundPercent(int budget) {
        Clairvoyant.Bound bound = sweep.bounds().get(budget);
        return decode
                ? 100.0 * bound.decodeHits() / Math.max(1, sweep.decodeAsked())
                : 100.0 * bound.hits() / Math.max(1, sweep.asked());
    }

    private double ofClairvoyant(SimulationSweep.Line line, int budget) {
        return 100 * sweep.ofClairvoyant(line, budget, decode);
    }

    private double mibPerToken(SimulationSweep.Line line, int budget) {
        return line.results().get(budget).bytesLoaded() / MIB / Math.max(1, sweep.tokens());
    }

    private double boundMib(int budget) {
        return sweep.bounds().get(budget).bytesLoaded() / MIB / Math.max(1, sweep.tokens());
    }

    private double stallPerToken(SimulationSweep.Line line, int budget) {
        return line.results().get(budget).stallNanos() / MILLIS / Math.max(1, sweep.tokens());
    }
}
