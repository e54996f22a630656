package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.GuessSource;
import io.greenroom.cache.sim.PolicySimulator;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.SimulationResult;
import io.greenroom.cache.sim.SimulationSetup;
import io.greenroom.cache.sim.TimeModel;
import io.greenroom.offload.decoder.Footprint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What budgets bring, one line each.
 *
 * @param rows by rising budget
 * @param limitBytes memory of the container or machine
 * @param overheadBytes Java heap, code, threads and all else that nobody accounts for
 */
record PlanTable(List<Row> rows, long limitBytes, long overheadBytes) {

    /**
     * One budget.
     *
     * @param name as it was asked for
     * @param budgetBytes what it comes to
     * @param slots experts that fit
     * @param processBytes memory of the whole process
     * @param forecast what to expect, or null below the floor
     */
    record Row(
            String name,
            long budgetBytes,
            int slots,
            long processBytes,
            @Nullable Forecast forecast,
            String verdict,
            boolean fits) {}

    /**
     * What a replay of the traffic says.
     *
     * @param hitRate share of visited experts that are resident, prompts included
     * @param bytesPerToken read for each token
     * @param tokensPerSecond of one request being answered; 0 if no time is known
     * @param withPrompts the same, with the time of reading the traffic's prompts
     */
    record Forecast(
            double hitRate, double bytesPerToken, double tokensPerSecond, double withPrompts) {}

    /** Replays traffic through the cache that a budget makes. */
    static Forecast forecast(
            List<RoutingSequence> traffic,
            PolicyName policy,
            @Nullable LayerSplit split,
            int slots,
            @Nullable TimeModel time) {
        SimulationSetup setup =
                new SimulationSetup(
                        policy,
                        split,
                        slots,
                        GuessSource.NONE,
                        time == null ? TimeModel.INSTANT : time);
        SimulationResult sum = null;
        for (RoutingSequence sequence : traffic) {
            SimulationResult result = PolicySimulator.run(sequence, setup);
            sum = sum == null ? result : sum.plus(result);
        }
        if (sum == null) {
            throw new IllegalArgumentException("There is no traffic to plan for");
        }
        return new Forecast(
                sum.hitRate(),
                sum.tokens() == 0 ? 0 : (double) sum.bytesLoaded() / sum.tokens(),
                time == null ? 0 : sum.decodeTokensPerSecond(),
                time == null ? 0 : sum.decodeTokens() / (sum.nanos() / 1e9));
    }

    /** A row, with its verdict. */
    static Row row(
            String name,
            long budgetBytes,
            Footprint footprint,
            long limitBytes,
            long overheadBytes,
            @Nullable Forecast forecast) {
        int slots = footprint.slots(budgetBytes);
        long process = overheadBytes + footprint.besidesBytes() + slots * footprint.slotBytes();
        long margin = limitBytes - process;
        boolean floor = slots < footprint.leastSlots();
        String verdict;
        if (floor) {
            long least = footprint.leastSlots() * footprint.slotBytes();
            verdict =
                    "below the floor: one token needs "
                            + footprint.leastSlots()
                            + " experts at once, "
                            + ModelFacts.size(least);
        } else if (margin < 0) {
            verdict = "does not fit: " + ModelFacts.size(-margin) + " too much";
        } else {
            verdict = "fits, " + ModelFacts.size(margin) + " to spare";
        }
        return new Row(name, budgetBytes, slots, process, forecast, verdict, !floor && margin >= 0);
    }

    /** Lines of text. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(
                String.format(
                        Locale.ROOT,
                        "%-9s %10s %8s %10s %7s %12s %9s  %s",
                        "budget",
                        "bytes",
                        "experts",
                        "process",
                        "hits",
                        "read/token",
                        "tokens/s",
                        "verdict"));
        for (Row row : rows) {
            Forecast forecast = row.forecast();
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "%-9s %10s %8d %10s %7s %12s %9s  %s",
                            row.name(),
                            ModelFacts.size(row.budgetBytes()),
                            row.slots(),
                            ModelFacts.size(row.processBytes()),
                            forecast == null ? "-" : percent(forecast.hitRate()),
                            forecast == null
                                    ? "-"
                                    : ModelFacts.size((long) forecast.bytesPerToken()),
                            forecast == null || forecast.tokensPerSecond() == 0
                                    ? "-"
                                    : String.format(
                                            Locale.ROOT, "%.1f", forecast.tokensPerSecond()),
                            row.verdict()));
        }
        return lines;
    }

    JsonArray json() {
        JsonArray array = new JsonArray();
        for (Row row : rows) {
            JsonObject json = new JsonObject();
            json.addProperty("budget", row.name());
            json.addProperty("budget_bytes", row.budgetBytes());
            json.addProperty("slots", row.slots());
            json.addProperty("process_bytes", row.processBytes());
            Forecast forecast = row.forecast();
            if (forecast != null) {
                json.addProperty("hit_rate", forecast.hitRate());
                json.addProperty("bytes_per_token", forecast.bytesPerToken());
                json.add(
                        "tokens_per_second",
                        forecast.tokensPerSecond() == 0
                                ? JsonNull.INSTANCE
                                : new JsonPrimitive(forecast.tokensPerSecond()));
            }
            json.addProperty("fits", row.fits());
            json.addProperty("verdict", row.verdict());
            array.add(json);
        }
        return array;
    }

    static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
