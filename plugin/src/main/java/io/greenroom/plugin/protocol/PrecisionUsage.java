package io.greenroom.plugin.protocol;

import com.google.gson.JsonObject;
import io.greenroom.gating.precision.PrecisionCost;

/**
 * What mixed precision changed, in the words of both dialects, of the status and of the figures.
 */
public final class PrecisionUsage {

    private PrecisionUsage() {}

    /**
     * {@code {"selections", "low_bit_selections", "skipped_selections", "skipped_router_weight",
     * "skipped_router_weight_share", "saved_bytes"}}.
     */
    public static JsonObject toJson(PrecisionCost cost) {
        JsonObject json = new JsonObject();
        json.addProperty("selections", cost.selections());
        json.addProperty("low_bit_selections", cost.copies());
        json.addProperty("skipped_selections", cost.skipped());
        json.addProperty("skipped_router_weight", cost.skippedWeight());
        json.addProperty("skipped_router_weight_share", cost.skippedWeightShare());
        json.addProperty("saved_bytes", cost.savedBytes());
        return json;
    }
}
