package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** What {@code bench warm} found, as a table and as JSON. */
final class WarmBenchReport {

    /** Tokens at the beginning whose hit rate is printed. */
    private static final int FIRST = 32;

    /**
     * One run.
     *
     * @param slots experts that fit
     * @param warmed experts read before it was ready
     * @param loadSeconds the load without them
     * @param warmSeconds reading them
     */
    record Run(HitCourse course, int slots, int warmed, double loadSeconds, double warmSeconds) {}

    /** All runs at one budget: both ways, passage by passage. */
    record Row(String budget, List<Run> cold, List<Run> warm) {

        /** Of each passage, the rate that the cold run had in the end. */
        Spread steady() {
            return spread(cold, run -> run.course().steady());
        }

        /** Tokens until a share of the passage's steady rate is reached. */
        Spread tokensUntil(List<Run> way, double share, int window) {
            List<Double> tokens = new ArrayList<>();
            for (int i = 0; i < way.size(); i++) {
                double goal = share * cold.get(i).course().steady();
                tokens.add((double) way.get(i).course().tokensUntil(goal, window));
            }
            return Spread.of(tokens);
        }

        static Spread spread(List<Run> way, ToDoubleFunction<Run> figure) {
            return Spread.of(way.stream().map(figure::applyAsDouble).toList());
        }
    }

    private final int tokens;
    private final int window;
    private final double share;
    private final List<Row> rows = new ArrayList<>();

    /**
     * @param tokens of each passage
     * @param window tokens over which a rate is taken
     * @param share of the steady rate that is to be reached
     */
    WarmBenchReport(int tokens, int window, double share) {
        this.tokens = tokens;
        this.window = window;
        this.share = share;
    }

    void add(Row row) {
        rows.add(row);
    }

    void print(PrintWriter out) {
        out.printf(
                Locale.ROOT,
                "Tokens until the hit rate over %d tokens is %.0f %% of that in the long run; medians"
                        + " (range) of %d passages of %d tokens%n",
                window,
                100 * share,
                rows.get(0).cold().size(),
                tokens);
        out.printf(
                Locale.ROOT,
                "%-8s %6s  %-18s %-18s %8s  %-16s %s%n",
                "budget",
                "slots",
                "cold",
                "warm",
                "steady",
                "first " + FIRST + " tokens",
                "warm start");
        for (Row row : rows) {
            out.printf(
                    Locale.ROOT,
                    "%-8s %6d  %-18s %-18s %6.1f %%  %4.1f -> %4.1f %%   %.0f experts in %s s%n",
                    row.budget(),
                    row.warm().get(0).slots(),
                    row.tokensUntil(row.cold(), share, window).inWords(0),
                    row.tokensUntil(row.warm(), share, window).inWords(0),
                    100 * row.steady().median(),
                    100 * first(row.cold()).median(),
                    100 * first(row.warm()).median(),
                    Row.spread(row.warm(), Run::warmed).median(),
                    Row.spread(row.warm(), Run::warmSeconds).inWords(2));
        }
    }

    private static Spread first(List<Run> way) {
        return Row.spread(way, run -> run.course().rate(0, FIRST));
    }

    JsonObject toJson() {
        JsonObject json = new JsonObject();
        json.addProperty("tokens", tokens);
        json.addProperty("window", window);
        json.addProperty("share_of_steady", share);
        JsonArray budgets = new JsonArray();
        for (Row row : rows) {
            JsonObject one = new JsonObject();
            one.addProperty("budget", row.budget());
            one.addProperty("slots", row.warm().get(0).slots());
            one.add("steady_hit_rate", row.steady().toJson());
            one.add("cold", way(row, row.cold()));
            one.add("warm", way(row, row.warm()));
            budgets.add(one);
        }
        json.add("budgets", budgets);
        return json;
    }

    private JsonObject way(Row row, List<Run> way) {
        JsonObject json = new JsonObject();
        json.add("tokens_until", row.tokensUntil(way, share, window).toJson());
        json.add("hit_rate_first_" + FIRST, first(way).toJson());
        json.add("hit_rate", Row.spread(way, run -> run.course().rate(0, tokens)).toJson());
        json.add("experts_warmed", Row.spread(way, Run::warmed).toJson());
        json.add("load_seconds", Row.spread(way, Run::loadSeconds).toJson());
        json.add("warm_seconds", Row.spread(way, Run::warmSeconds).toJson());
        return json;
    }
}
