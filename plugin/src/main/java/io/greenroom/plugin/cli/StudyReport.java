package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.gating.predict.RecallTally;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.decoder.PredictionStudy;
import io.greenroom.offload.decoder.PredictionStudy.Result;
import io.greenroom.offload.decoder.RoutingProfile;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * A study's figures as a table, CSV or JSON.
 *
 * @param model its name
 * @param status of the model after reading
 * @param calibration tokens read before anything was counted
 * @param study what was seen
 * @param readAhead what reading ahead came to, one entry per layer; empty if not tried
 */
record StudyReport(
        String model,
        MoeModel.Status status,
        int calibration,
        PredictionStudy study,
        List<ReadAhead> readAhead) {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    private static final String ROW = "%-22s %5s  %8s %8s   %8s %8s   %8s %8s%n";

    StudyReport with(List<ReadAhead> tried) {
        return new StudyReport(model, status, calibration, study, tried);
    }

    /** For people. */
    void table(PrintWriter out, boolean perLayer) {
        RecallTally.Layer control = total(study.control());
        out.printf(
                Locale.ROOT,
                "%s: %d of %d experts fit; counted %d tokens after %d for calibration; %.1f %% of"
                        + " chosen experts were not resident%n",
                model,
                Math.min(status.slots(), status.totalExperts()),
                status.totalExperts(),
                control.tokens() / Math.max(1, moeLayers()),
                calibration,
                100.0 * control.missed() / Math.max(1, control.chosen()));
        out.printf(
                Locale.ROOT,
                "control (a layer's own gate input): %.2f %% at width k; must be 100 %%%n%n",
                100 * control.recallAtK());
        out.printf(
                ROW, "all layers but the first", "", "recall", "", "of misses", "", "wasted", "");
        out.printf(ROW, "predictor", "ahead", "k", "2k", "k", "2k", "k", "2k");
        for (Result result : study.results()) {
            row(out, result.predictor(), result.ahead(), result.total());
        }
        out.println();
        out.println("the first layer, from the embedding or from what was chosen before");
        for (Result result : study.results()) {
            if (result.ahead() == 1) {
                row(out, result.predictor(), 1, result.layers().get(0));
            }
        }
        if (perLayer) {
            perLayer(out);
        }
        if (!readAhead.isEmpty()) {
            ReadAhead.table(out, readAhead);
        }
    }

    private void perLayer(PrintWriter out) {
        for (Result result : study.results()) {
            out.println();
            for (int layer = 0; layer < result.layers().size(); layer++) {
                RecallTally.Layer counts = result.layers().get(layer);
                if (counts.chosen() > 0) {
                    row(out, result.predictor() + " layer " + layer, result.ahead(), counts);
                }
            }
        }
    }

    private static void row(PrintWriter out, String name, int ahead, RecallTally.Layer counts) {
        if (counts.chosen() > 0) {
            out.printf(
                    ROW,
                    name,
                    ahead,
                    percent(counts.recallAtK()),
                    percent(counts.recallAt2K()),
                    percent(counts.missRecallAtK()),
                    percent(counts.missRecallAt2K()),
                    percent(counts.wastedAtK()),
                    percent(counts.wastedAt2K()));
        }
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    /** One line per predictor, distance and layer; experts counted over all tokens. */
    void csv(PrintWriter out) {
        out.println(
                "model,slots,experts,predictor,ahead,layer,tokens,chosen,within_k,within_2k,missed,"
                        + "missed_within_k,missed_within_2k,read_ahead_k,read_ahead_2k");
        csv(out, "control", 0, study.control());
        for (Result result : study.results()) {
            csv(out, result.predictor(), result.ahead(), result.layers());
        }
        if (!readAhead.isEmpty()) {
            out.println();
            ReadAhead.csv(out, model, status, readAhead);
        }
    }

    private void csv(PrintWriter out, String name, int ahead, List<RecallTally.Layer> layers) {
        for (int layer = 0; layer < layers.size(); layer++) {
            RecallTally.Layer l = layers.get(layer);
            if (l.chosen() > 0) {
                out.printf(
                        Locale.ROOT,
                        "%s,%d,%d,%s,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d%n",
                        model,
                        status.slots(),
                        status.totalExperts(),
                        name,
                        ahead,
                        layer,
                        l.tokens(),
                        l.chosen(),
                        l.withinK(),
                        l.within2K(),
                        l.missed(),
                        l.missedWithinK(),
                        l.missedWithin2K(),
                        l.aheadAtK(),
                        l.aheadAt2K());
            }
        }
    }

    /** For scripts. */
    void json(PrintWriter out) {
        JsonObject root = new JsonObject();
        root.addProperty("model", model);
        root.addProperty("slots", status.slots());
        root.addProperty("experts", status.totalExperts());
        root.addProperty("calibration_tokens", calibration);
        root.addProperty("control_recall", total(study.control()).recallAtK());
        root.add("routing", profile(study.profile(), study.control().size()));
        JsonArray predictors = new JsonArray();
        for (Result result : study.results()) {
            JsonObject predictor = new JsonObject();
            predictor.addProperty("predictor", result.predictor());
            predictor.addProperty("ahead", result.ahead());
            predictor.add("total", counts(result.total()));
            JsonArray layers = new JsonArray();
            result.layers().forEach(layer -> layers.add(counts(layer)));
            predictor.add("layers", layers);
            predictors.add(predictor);
        }
        root.add("predictors", predictors);
        if (!readAhead.isEmpty()) {
            root.add("read_ahead", ReadAhead.json(readAhead));
        }
        out.println(GSON.toJson(root));
    }

    static JsonArray profile(RoutingProfile profile, int layers) {
        JsonArray array = new JsonArray();
        for (int layer = 0; layer < layers; layer++) {
            RoutingProfile.Layer figures = profile.layer(layer);
            JsonObject object = new JsonObject();
            object.addProperty("tokens", figures.tokens());
            object.addProperty("skew", figures.skew());
            object.addProperty("top_eighth", figures.topEighth());
            object.addProperty("repeated", figures.repeated());
            object.addProperty("similarity", figures.similarity());
            array.add(object);
        }
        return array;
    }

    private static JsonObject counts(RecallTally.Layer layer) {
        JsonObject object = new JsonObject();
        object.addProperty("tokens", layer.tokens());
        object.addProperty("chosen", layer.chosen());
        object.addProperty("recall_k", layer.recallAtK());
        object.addProperty("recall_2k", layer.recallAt2K());
        object.addProperty("missed", layer.missed());
        object.addProperty("miss_recall_k", layer.missRecallAtK());
        object.addProperty("miss_recall_2k", layer.missRecallAt2K());
        object.addProperty("wasted_k", layer.wastedAtK());
        object.addProperty("wasted_2k", layer.wastedAt2K());
        return object;
    }

    private long moeLayers() {
        return study.control().stream().filter(layer -> layer.chosen() > 0).count();
    }

    private static RecallTally.Layer total(List<RecallTally.Layer> layers) {
        return IntStream.range(0, layers.size())
                .mapToObj(layers::get)
                .reduce(RecallTally.Layer.NONE, RecallTally.Layer::plus);
    }
}
