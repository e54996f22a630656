package io.greenroom.plugin.cli;

import com.google.gson.JsonObject;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.Perplexity;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What one text at one budget and routing came to.
 *
 * @param text name of the file
 * @param budget as it was asked for
 * @param budgetBytes what that is in bytes
 * @param routing as it was asked for
 * @param tokens tokens scored
 * @param perplexity of these
 * @param ratio to that of exact routing; NaN where that was not measured
 * @param cost what routing has cost
 * @param hitRate share of experts found in memory
 * @param bytesPerToken expert bytes read for a token
 * @param tokensPerSecond of the whole run
 */
record PerplexityRow(
        String text,
        String budget,
        long budgetBytes,
        RoutingDial routing,
        long tokens,
        double perplexity,
        double ratio,
        RoutingCost cost,
        double hitRate,
        double bytesPerToken,
        double tokensPerSecond) {

    static final String TITLES =
            "text                     budget  routing       perplexity    ratio  altered    lost"
                    + "     hits    bytes/token";

    static final String CSV_TITLES =
            "text,budget,budget_bytes,routing,tokens,perplexity,ratio,altered_share,lost_weight,"
                    + "fallbacks,hit_rate,bytes_per_token,tokens_per_second";

    static PerplexityRow of(
            String text,
            String budget,
            RoutingDial routing,
            Perplexity perplexity,
            long budgetBytes,
            GenerationFigures figures) {
        return new PerplexityRow(
                text,
                budget,
                budgetBytes,
                routing,
                perplexity.tokens(),
                perplexity.value(),
                Double.NaN,
                perplexity.cost(),
                figures.hitRate(),
                (double) figures.bytesRead() / perplexity.tokens(),
                perplexity.tokens() / figures.seconds());
    }

    /** The rows, each compared with the exact one of its text at the largest budget there is. */
    static List<PerplexityRow> withRatios(List<PerplexityRow> rows) {
        Map<String, PerplexityRow> exact = new HashMap<>();
        for (PerplexityRow row : rows) {
            if (row.routing().isExact()) {
                exact.merge(row.text(), row, (a, b) -> a.budgetBytes() >= b.budgetBytes() ? a : b);
            }
        }
        return rows.stream()
                .map(
                        row -> {
                            PerplexityRow base = exact.get(row.text());
                            return base == null
                                    ? row
                                    : row.withRatio(row.perplexity() / base.perplexity());
                        })
                .toList();
    }

    private PerplexityRow withRatio(double value) {
        return new PerplexityRow(
                text,
                budget,
                budgetBytes,
                routing,
                tokens,
                perplexity,
                value,
                cost,
                hitRate,
                bytesPerToken,
                tokensPerSecond);
    }

    String line() {
        return String.format(
                Locale.ROOT,
                "%-24s %6s  %-12s %11.4f  %7s  %5.1f %%  %4.1f %%  %5.1f %%  %13s",
                text,
                budget,
                routing,
                perplexity,
                Double.isNaN(ratio) ? "-" : String.format(Locale.ROOT, "%.4f", ratio),
                100 * cost.alteredShare(),
                100 * cost.lostShare(),
                100 * hitRate,
                ModelFacts.size((long) bytesPerToken));
    }

    String csv() {
        return String.format(
                Locale.ROOT,
                "%s,%s,%d,%s,%d,%.6f,%s,%.6f,%.6f,%d,%.6f,%.1f,%.1f",
                text,
                budget,
                budgetBytes,
                routing,
                tokens,
                perplexity,
                Double.isNaN(ratio) ? "" : String.format(Locale.ROOT, "%.6f", ratio),
                cost.alteredShare(),
                cost.lostShare(),
                cost.fallbacks(),
                hitRate,
                bytesPerToken,
                tokensPerSecond);
    }

    JsonObject json() {
        JsonObject json = new JsonObject();
        json.addProperty("text", text);
        json.addProperty("budget", budget);
        json.addProperty("budget_bytes", budgetBytes);
        json.addProperty("routing", routing.toString());
        json.addProperty("tokens", tokens);
        json.addProperty("perplexity", perplexity);
        if (!Double.isNaN(ratio)) {
            json.addProperty("ratio", ratio);
        }
        json.addProperty("altered_share", cost.alteredShare());
        json.addProperty("lost_weight", cost.lostShare());
        json.addProperty("fallbacks", cost.fallbacks());
        json.addProperty("hit_rate", hitRate);
        json.addProperty("bytes_per_token", bytesPerToken);
        json.addProperty("tokens_per_second", tokensPerSecond);
        return json;
    }
}
