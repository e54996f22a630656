package io.greenroom.plugin.protocol;

import com.google.gson.JsonObject;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.offload.decoder.GenerationUsage;

/**
 * The object {@code greenroom} of an answer's usage: what was traded for fewer reads, if anything.
 */
final class GreenroomUsage {

    private GreenroomUsage() {}

    static JsonObject toJson(GenerationUsage usage) {
        JsonObject json = RoutingUsage.toJson(usage.routing(), usage.routingCost());
        PrecisionCost precision = usage.precisionCost();
        if (precision.selections() > 0) {
            json.add("mixed_precision", PrecisionUsage.toJson(precision));
        }
        return json;
    }
}
