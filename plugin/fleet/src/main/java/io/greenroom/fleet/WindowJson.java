package io.greenroom.fleet;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.jspecify.annotations.Nullable;

/** Windows as JSON: for the state stores, and for the topic. */
final class WindowJson {

    private static final Gson GSON =
            new GsonBuilder()
                    .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
                    .create();

    private WindowJson() {}

    /** For the stores; what comes from there was written by this application. */
    static Serde<ModelWindow> serde() {
        return Serdes.serdeFrom(
                (topic, window) ->
                        window == null
                                ? null
                                : GSON.toJson(window).getBytes(StandardCharsets.UTF_8),
                (topic, bytes) ->
                        bytes == null
                                ? null
                                : GSON.fromJson(
                                        new String(bytes, StandardCharsets.UTF_8),
                                        ModelWindow.class));
    }

    /** The key of a window in the topic: {@code model@10s@2026-01-02T03:04:00Z}. */
    static String key(String model, Instant begin, Duration length) {
        return model + "@" + length.toSeconds() + "s@" + begin;
    }

    /** The window as others read it. */
    static String toJson(String model, Instant begin, Duration length, ModelWindow window) {
        JsonObject json = new JsonObject();
        json.addProperty("schema", ModelWindow.SCHEMA);
        json.addProperty("model", model);
        json.addProperty("window_begin", begin.toString());
        json.addProperty("window_seconds", length.toSeconds());
        json.addProperty("replicas", window.instances.size());
        json.addProperty("records", window.records);
        json.addProperty("reports_missed", window.reportsMissed);
        json.addProperty("tokens_in", window.tokensIn);
        json.addProperty("tokens_out", window.tokensOut);
        double seconds = length.toMillis() / 1e3;
        json.addProperty("tokens_per_second", window.tokensOut / seconds);
        json.addProperty("hits", window.hits);
        json.addProperty("misses", window.misses);
        json.addProperty("hit_rate", window.hitRate());
        json.addProperty("bytes_read", window.bytesRead);
        json.addProperty("bytes_read_per_second", window.bytesRead / seconds);
        json.addProperty("covered_nanos", window.coveredNanos);
        json.addProperty("stall_nanos", window.stallNanos);
        json.addProperty("stall_share", window.stallShare());
        json.addProperty("prefetch_useful", window.prefetchUseful);
        json.addProperty("prefetch_late", window.prefetchLate);
        json.addProperty("prefetch_wasted", window.prefetchWasted);
        JsonArray checkpoints = new JsonArray();
        window.checkpoints.forEach((print, routed) -> checkpoints.add(checkpoint(print, routed)));
        json.add("checkpoints", checkpoints);
        return json.toString();
    }

    private static JsonObject checkpoint(String fingerprint, ModelWindow.Routed routed) {
        JsonArray layers = new JsonArray();
        for (int layer = 0; layer < routed.layers(); layer++) {
            long @Nullable [] counts = routed.routed()[layer];
            if (counts != null) {
                JsonObject one = new JsonObject();
                one.addProperty("layer", layer);
                JsonArray numbers = new JsonArray();
                for (long count : counts) {
                    numbers.add(count);
                }
                one.add("routed", numbers);
                layers.add(one);
            }
        }
        JsonObject json = new JsonObject();
        json.addProperty("fingerprint", fingerprint);
        json.addProperty("experts_per_layer", routed.experts());
        json.add("layers", layers);
        return json;
    }
}
