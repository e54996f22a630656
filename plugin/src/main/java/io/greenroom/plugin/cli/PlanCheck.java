package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.plugin.host.LocalModel;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A plan beside what came of it: the model is loaded with each budget in turn and answers prompts.
 * Speed is that of answers with the time of reading their prompts, foretold and measured.
 *
 * @param results one for each budget that a model can run with
 */
record PlanCheck(List<Result> results) {

    /**
     * One budget.
     *
     * @param planned what the plan foretold
     * @param measured what the model did with the prompts, all together
     */
    record Result(PlanTable.Row row, PlanTable.Forecast planned, GenerationFigures measured) {

        double hitPoints() {
            return 100 * (planned.hitRate() - measured.hitRate());
        }

        /** NaN if no speed was foretold. */
        double speedPercent() {
            return planned.withPrompts() == 0
                    ? Double.NaN
                    : 100 * (planned.withPrompts() / measured.tokensPerSecond() - 1);
        }
    }

    /**
     * Loads and asks. Prefetch is off, as it is in the plan.
     *
     * @param model with the operator's own options
     */
    static PlanCheck run(
            ModelDefinition model,
            PolicyName policy,
            List<ChatPrompt> prompts,
            PlanTable table,
            PrintWriter err)
            throws IOException, InterruptedException {
        List<Result> results = new ArrayList<>();
        for (PlanTable.Row row : table.rows()) {
            PlanTable.Forecast planned = row.forecast();
            if (planned != null) {
                GenerationFigures measured = measure(model, policy, prompts, row, err);
                results.add(new Result(row, planned, measured));
            }
        }
        return new PlanCheck(results);
    }

    private static GenerationFigures measure(
            ModelDefinition model,
            PolicyName policy,
            List<ChatPrompt> prompts,
            PlanTable.Row row,
            PrintWriter err)
            throws IOException, InterruptedException {
        ModelDefinition budgeted =
                model.withOptions(
                        Map.of(
                                "expert_budget",
                                Long.toString(row.budgetBytes()),
                                "cache_policy",
                                policy.toString(),
                                "prefetch",
                                "off"));
        try (LocalModel local =
                LoadProgress.during(
                        "Loading with " + row.name(), err, () -> LocalModel.load(budgeted))) {
            GenerationFigures.Start start = GenerationFigures.start(local.moe());
            for (ChatPrompt prompt : prompts) {
                prompt.answer(local);
            }
            return start.end(local.moe());
        }
    }

    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("");
        lines.add(
                String.format(
                        Locale.ROOT,
                        "%-9s %9s %9s %8s %11s %9s %8s",
                        "budget",
                        "hits",
                        "measured",
                        "points",
                        "tokens/s",
                        "measured",
                        "off by"));
        for (Result result : results) {
            boolean timed = result.planned().withPrompts() > 0;
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "%-9s %9s %9s %+8.1f %11s %9.1f %8s",
                            result.row().name(),
                            PlanTable.percent(result.planned().hitRate()),
                            PlanTable.percent(result.measured().hitRate()),
                            result.hitPoints(),
                            timed
                                    ? String.format(
                                            Locale.ROOT, "%.1f", result.planned().withPrompts())
                                    : "-",
                            result.measured().tokensPerSecond(),
                            timed
                                    ? String.format(Locale.ROOT, "%+.0f %%", result.speedPercent())
                                    : "-"));
        }
        return lines;
    }

    JsonArray json() {
        JsonArray array = new JsonArray();
        for (Result result : results) {
            JsonObject json = new JsonObject();
            json.addProperty("budget", result.row().name());
            json.addProperty("planned_hit_rate", result.planned().hitRate());
            json.addProperty("planned_tokens_per_second", result.planned().withPrompts());
            JsonObject measured = new JsonObject();
            result.measured().addTo(measured);
            json.add("measured", measured);
            array.add(json);
        }
        return array;
    }
}
