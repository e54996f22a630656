package io.greenroom.plugin.cli;

import com.google.gson.JsonObject;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.EvaluationRequest;
import io.greenroom.offload.decoder.GateVariant;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.PredictionStudy;
import io.greenroom.offload.decoder.RoutingProfile;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.store.Checkpoints;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import java.util.Set;

/**
 * What a model's routing looks like when it reads tokens drawn at random: for a synthetic model,
 * whether it came out as its recipe asked.
 */
final class RoutingReport {

    private final RoutingProfile profile;
    private final int layers;
    private final double recallAtK;
    private final double recallAt2K;

    private RoutingReport(PredictionStudy study) {
        profile = study.profile();
        layers = study.control().size();
        PredictionStudy.Result plain = study.results().get(0);
        recallAtK = plain.total().recallAtK();
        recallAt2K = plain.total().recallAt2K();
    }

    /**
     * Reads with the engine as it serves, one token a step, with half of the experts in memory.
     *
     * @param tokens how many to read; no more than the context
     */
    static RoutingReport measure(Path model, int tokens, long seed, PrintWriter err)
            throws IOException {
        PredictionStudy study = new PredictionStudy(Set.of(GateVariant.PLAIN), Set.of(), 1);
        study.phase(PredictionStudy.Phase.MEASURE);
        ModelOptions options =
                ModelOptions.builder()
                        .budget(ExpertBudget.parse("50%"))
                        .prefetch(ModelOptions.Prefetch.OFF)
                        .contextLength(tokens)
                        .maxConcurrent(1)
                        .build();
        try (ServingModel loaded =
                        MoeModels.loadWatched(
                                Checkpoints.open(model), options, study, (done, all) -> {});
                ProgressBar bar = new ProgressBar("Reading", ProgressBar.Unit.COUNT, err)) {
            int vocabulary = loaded.checkpoint().spec().vocabulary();
            int[] text = new Random(seed).ints(tokens, 0, vocabulary).toArray();
            var unused =
                    loaded.evaluate(
                            new EvaluationRequest(text, 0, RoutingDial.EXACT),
                            (position, logits) -> bar.update(position + 1, tokens));
            return new RoutingReport(study);
        }
    }

    void print(PrintWriter out) {
        out.printf(
                Locale.ROOT,
                "routing skew %.2f (%.0f %% of choices on the most popular eighth), %.0f %%"
                        + " repeated from the token before, residual similarity %.3f,"
                        + " next-layer recall %.1f %% (%.1f %% at width 2k); %d random tokens%n",
                mean(Figure.SKEW),
                100 * mean(Figure.TOP_EIGHTH),
                100 * mean(Figure.REPEATED),
                mean(Figure.SIMILARITY),
                100 * recallAtK,
                100 * recallAt2K,
                profile.layer(0).tokens());
    }

    JsonObject json() {
        JsonObject json = new JsonObject();
        json.addProperty("tokens", profile.layer(0).tokens());
        json.addProperty("skew", mean(Figure.SKEW));
        json.addProperty("top_eighth", mean(Figure.TOP_EIGHTH));
        json.addProperty("repeated", mean(Figure.REPEATED));
        json.addProperty("similarity", mean(Figure.SIMILARITY));
        json.addProperty("next_layer_recall", recallAtK);
        json.addProperty("next_layer_recall_2k", recallAt2K);
        json.add("layers", StudyReport.profile(profile, layers));
        return json;
    }

    private enum Figure {
        SKEW,
        TOP_EIGHTH,
        REPEATED,
        SIMILARITY
    }

    /** Over the layers; similarity over those that have one before them. */
    private double mean(Figure figure) {
        double sum = 0;
        int from = figure == Figure.SIMILARITY && layers > 1 ? 1 : 0;
        for (int layer = from; layer < layers; layer++) {
            RoutingProfile.Layer l = profile.layer(layer);
            sum +=
                    switch (figure) {
                        case SKEW -> l.skew();
                        case TOP_EIGHTH -> l.topEighth();
                        case REPEATED -> l.repeated();
                        case SIMILARITY -> l.similarity();
                    };
        }
        return sum / (layers - from);
    }
}
