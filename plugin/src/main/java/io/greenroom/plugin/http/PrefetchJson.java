package io.greenroom.plugin.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.gating.predict.PredictionStats;
import io.greenroom.offload.decoder.PrefetchStatus;
import java.util.Locale;

/** What prefetch is doing, as JSON. Shares are from 0 to 1. */
final class PrefetchJson {

    private PrefetchJson() {}

    static JsonObject of(PrefetchStatus status, UsageSnapshot usage) {
        JsonObject json = new JsonObject();
        json.addProperty("mode", status.mode().name().toLowerCase(Locale.ROOT));
        json.addProperty("on", status.on());
        json.addProperty("reason", status.reason());
        json.addProperty("link_idle_share", status.idleShare());
        json.addProperty("link_bytes_per_second", status.bytesPerSecond());
        addRecall(json, status.recall());
        JsonArray layers = new JsonArray();
        for (PrefetchStatus.Layer layer : status.layers()) {
            layers.add(layer(layer, usage));
        }
        json.add("layers", layers);
        return json;
    }

    private static JsonObject layer(PrefetchStatus.Layer layer, UsageSnapshot usage) {
        int index = layer.layer();
        long useful = usage.sum(ExpertCounter.PREFETCH_USEFUL, index);
        long late = usage.sum(ExpertCounter.PREFETCH_LATE, index);
        long wasted = usage.sum(ExpertCounter.PREFETCH_WASTED, index);
        JsonObject json = new JsonObject();
        json.addProperty("layer", index);
        json.addProperty("fits", layer.fits());
        json.addProperty("useful", useful);
        json.addProperty("late", late);
        json.addProperty("wasted", wasted);
        json.addProperty("wasted_bytes", wasted * layer.expertBytes());
        json.addProperty("called_off", usage.sum(ExpertCounter.PREFETCH_CANCELLED, index));
        addShare(json, "on_time_share", useful, useful + late + wasted);
        addRecall(json, layer.recall());
        return json;
    }

    /** Left out before anything was foreseen. */
    private static void addRecall(JsonObject json, PredictionStats.Recall recall) {
        addShare(json, "recall_at_k", recall.withinK(), recall.chosen());
        addShare(json, "recall_at_2k", recall.within2K(), recall.chosen());
    }

    private static void addShare(JsonObject json, String name, long part, long whole) {
        if (whole > 0) {
            json.addProperty(name, (double) part / whole);
        }
    }
}
