package io.greenroom.plugin.http;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.greenroom.cache.CacheStats;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.decoder.TraceStatus;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.protocol.PrecisionUsage;
import io.greenroom.plugin.protocol.RoutingUsage;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A model's state for operators, as JSON. Sizes are bytes, times nanoseconds. */
final class ModelStatus {

    private ModelStatus() {}

    static JsonObject toJson(String name, @Nullable String version, MoeEngineModel model) {
        MoeModel.Status status = model.moe().status();
        JsonObject json = new JsonObject();
        json.addProperty("name", name);
        json.add("version", version == null ? JsonNull.INSTANCE : new JsonPrimitive(version));
        json.addProperty("context_length", model.moe().contextLength());
        json.add("memory", memory(status));
        json.add("experts", experts(status));
        json.add("requests", requests(status));
        json.add("cache", cache(status.cache()));
        json.add("miss_ratio_curve", MissRatioJson.of(model.moe().missRatioCurve()));
        json.add("prefetch", PrefetchJson.of(model.moe().prefetch(), model.moe().usage()));
        json.add("routing", routing(model.moe().routing()));
        model.moe()
                .mixedPrecision()
                .ifPresent(mixed -> json.add("mixed_precision", mixedPrecision(mixed)));
        TraceStatus trace = model.moe().trace();
        if (trace != null) {
            json.add("trace", trace(trace));
        }
        return json;
    }

    private static JsonObject routing(MoeModel.Routing routing) {
        JsonObject json = new JsonObject();
        json.addProperty("standard", routing.standard().toString());
        json.addProperty("limit", routing.limit().toString());
        RoutingUsage.addCost(json, routing.cost());
        return json;
    }

    private static JsonObject mixedPrecision(MoeModel.MixedStatus status) {
        JsonObject json = PrecisionUsage.toJson(status.cost());
        json.addProperty("type", status.type().label());
        json.addProperty("full_up_to", status.rule().fullUpTo());
        json.addProperty("skip_above", status.rule().copyUpTo());
        json.addProperty("copy_bytes", status.copyBytes());
        json.addProperty("slots", status.slots());
        json.addProperty("resident", status.resident());
        json.add("cache", cache(status.cache()));
        return json;
    }

    private static JsonObject memory(MoeModel.Status status) {
        JsonObject memory = new JsonObject();
        memory.addProperty("expert_budget_bytes", status.budgetBytes());
        memory.addProperty("expert_arena_bytes", status.arenaBytes());
        memory.addProperty("dense_bytes", status.denseBytes());
        memory.addProperty("kv_bytes", status.kvBytes());
        return memory;
    }

    private static JsonObject experts(MoeModel.Status status) {
        JsonObject experts = new JsonObject();
        experts.addProperty("total", status.totalExperts());
        experts.addProperty("slots", status.slots());
        experts.addProperty("slot_bytes", status.slotBytes());
        experts.addProperty("resident", status.residentExperts());
        return experts;
    }

    private static JsonObject requests(MoeModel.Status status) {
        JsonObject requests = new JsonObject();
        requests.addProperty("running", status.running());
        requests.addProperty("queued", status.queued());
        requests.addProperty("tokens_in", status.tokensIn());
        requests.addProperty("tokens_out", status.tokensOut());
        return requests;
    }

    private static JsonObject trace(TraceStatus status) {
        JsonObject trace = new JsonObject();
        trace.addProperty("file", String.valueOf(status.file().getFileName()));
        trace.addProperty("state", status.state().name().toLowerCase(Locale.ROOT));
        trace.addProperty("steps", status.steps());
        trace.addProperty("dropped_steps", status.dropped());
        trace.addProperty("bytes", status.bytes());
        trace.addProperty("limit_bytes", status.limitBytes());
        return trace;
    }

    private static JsonObject cache(CacheStats stats) {
        JsonObject cache = new JsonObject();
        cache.addProperty("hits", stats.hits());
        cache.addProperty("misses", stats.misses());
        cache.addProperty("hit_rate", stats.hitRate());
        cache.addProperty("loads", stats.loads());
        cache.addProperty("load_failures", stats.loadFailures());
        cache.addProperty("evictions", stats.evictions());
        cache.addProperty("bytes_loaded", stats.bytesLoaded());
        cache.addProperty("prefetch_issued", stats.prefetchIssued());
        cache.addProperty("prefetch_useful", stats.prefetchUseful());
        cache.addProperty("prefetch_late", stats.prefetchLate());
        cache.addProperty("prefetch_wasted", stats.prefetchWasted());
        cache.addProperty("prefetch_called_off", stats.background().hintsCancelled());
        cache.addProperty("stall_nanos", stats.stallNanos());
        return cache;
    }
}
