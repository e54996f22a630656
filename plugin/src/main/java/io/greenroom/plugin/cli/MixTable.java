package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.greenroom.gating.precision.MixedResult;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.offload.lowbit.LowBitFile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What low-bit copies would bring at each budget, for several shares of it that they may have.
 *
 * @param file the copies
 * @param rule which experts of a token they may stand in for
 * @param expertBytes of an expert in full, on average
 * @param rows by budget, and within it by share; the planner's last
 */
record MixTable(LowBitFile file, PrecisionRule rule, long expertBytes, List<Row> rows) {

    /**
     * One mix.
     *
     * @param budget as it was asked for
     * @param way "exact" for none at all, "share" for copies beside one pool of experts, or
     *     "planner"
     * @param share of the budget that copies have
     * @param slots of experts
     * @param copySlots of copies
     * @param split the planner's slots of each layer, or null for one pool
     * @param promised bytes for each token by the planner's curves, with its division; NaN for
     *     others
     * @param best whether none at this budget reads less
     */
    record Row(
            String budget,
            String way,
            double share,
            int slots,
            int copySlots,
            int @Nullable [] split,
            double promised,
            MixedResult result,
            boolean best) {

        Row asBest() {
            return new Row(budget, way, share, slots, copySlots, split, promised, result, true);
        }
    }

    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("");
        lines.add(
                String.format(
                        Locale.ROOT,
                        "mixes     %s copies, %s for an expert's %s; in full up to %s of a token's"
                                + " router weight, as a copy up to %s, beyond only what is in"
                                + " memory",
                        file.type().label(),
                        ModelFacts.size(file.copyBytes()),
                        ModelFacts.size(expertBytes),
                        rule.fullUpTo(),
                        rule.copyUpTo()));
        lines.add(
                String.format(
                        Locale.ROOT,
                        "%-9s %-15s %8s %8s %7s %8s %9s %8s %12s %9s",
                        "budget",
                        "copies have",
                        "experts",
                        "copies",
                        "hits",
                        "in full",
                        "as copies",
                        "without",
                        "read/token",
                        "tokens/s"));
        for (Row row : rows) {
            lines.add(line(row));
        }
        lines.add("");
        lines.add(
                "* reads least. Hits took part without a read. Copies have their share with option"
                        + " low_bit_share; what a mix costs in quality: greenroom perplexity.");
        rows.stream()
                .filter(row -> row.split() != null)
                .forEach(row -> lines.add(row.budget() + ": cache_split=" + text(row)));
        return lines;
    }

    private static String line(Row row) {
        MixedResult result = row.result();
        double speed = result.decodeTokensPerSecond();
        return String.format(
                Locale.ROOT,
                "%-9s %-15s %8d %8d %7s %8s %9s %8s %12s %9s%s",
                row.budget(),
                row.way().equals("exact")
                        ? "nothing (exact)"
                        : PlanTable.percent(row.share())
                                + (row.way().equals("planner") ? ", planner" : ""),
                row.slots(),
                row.copySlots(),
                PlanTable.percent(result.hitRate()),
                PlanTable.percent(result.fullShare()),
                PlanTable.percent(result.copiedShare()),
                PlanTable.percent(result.skippedShare()),
                ModelFacts.size((long) result.bytesPerToken()),
                Double.isInfinite(speed) ? "-" : String.format(Locale.ROOT, "%.1f", speed),
                row.best() ? " *" : "");
    }

    private static String text(Row row) {
        return Arrays.stream(row.split() == null ? new int[0] : row.split())
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(","));
    }

    JsonObject json() {
        JsonObject json = new JsonObject();
        json.addProperty("copies", file.type().label());
        json.addProperty("copy_bytes", file.copyBytes());
        json.addProperty("expert_bytes", expertBytes);
        json.addProperty("full_up_to", rule.fullUpTo());
        json.addProperty("copy_up_to", rule.copyUpTo());
        JsonArray array = new JsonArray();
        for (Row row : rows) {
            array.add(json(row));
        }
        json.add("mixes", array);
        return json;
    }

    private static JsonObject json(Row row) {
        MixedResult result = row.result();
        JsonObject json = new JsonObject();
        json.addProperty("budget", row.budget());
        json.addProperty("way", row.way());
        json.addProperty("low_bit_share", row.share());
        json.addProperty("slots", row.slots());
        json.addProperty("copy_slots", row.copySlots());
        json.addProperty("hit_rate", result.hitRate());
        json.addProperty("full_share", result.fullShare());
        json.addProperty("copied_share", result.copiedShare());
        json.addProperty("skipped_share", result.skippedShare());
        json.addProperty("bytes_per_token", result.bytesPerToken());
        double speed = result.decodeTokensPerSecond();
        json.add(
                "tokens_per_second",
                Double.isInfinite(speed) ? JsonNull.INSTANCE : new JsonPrimitive(speed));
        if (row.split() != null) {
            json.addProperty("cache_split", text(row));
        }
        if (row.way().equals("planner")) {
            json.addProperty("promised_bytes_per_token", row.promised());
        }
        json.addProperty("fewest_bytes", row.best());
        return json;
    }
}
