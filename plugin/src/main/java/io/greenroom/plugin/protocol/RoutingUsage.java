package io.greenroom.plugin.protocol;

import com.google.gson.JsonObject;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;

/**
 * How an answer was routed and what that cost, in the words of both dialects. With exact routing
 * nothing could be altered and all counts are 0.
 */
public final class RoutingUsage {

    private RoutingUsage() {}

    /**
     * {@code {"routing", "selections", "altered_selections", "fallback_selections",
     * "lost_router_weight", "lost_router_weight_share"}}.
     */
    public static JsonObject toJson(RoutingDial dial, RoutingCost cost) {
        JsonObject json = new JsonObject();
        json.addProperty("routing", dial.toString());
        addCost(json, cost);
        return json;
    }

    /** Adds the counts to an object. */
    public static void addCost(JsonObject json, RoutingCost cost) {
        json.addProperty("selections", cost.selections());
        json.addProperty("altered_selections", cost.altered());
        json.addProperty("fallback_selections", cost.fallbacks());
        json.addProperty("lost_router_weight", cost.lostWeight());
        json.addProperty("lost_router_weight_share", cost.lostShare());
    }
}
