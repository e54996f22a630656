package io.greenroom.fleet;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.time.Instant;

/** Usage records as replicas send them: a model of 3 layers (one without experts) of 8 experts. */
final class UsageJsonSamples {

    static final String PRINT = "0123456789abcdef0123456789abcdef";
    static final Instant BEGIN = Instant.parse("2026-01-02T03:04:00Z");

    private UsageJsonSamples() {}

    /**
     * A record of five seconds.
     *
     * @param second when it ends, after {@link #BEGIN}
     * @param hot the expert that most tokens went to
     */
    static JsonObject record(
            String model, String instance, long sequence, long second, int tokens, int hot) {
        Instant end = BEGIN.plusSeconds(second);
        JsonObject json = new JsonObject();
        json.addProperty("schema", 1);
        json.addProperty("model", model);
        json.addProperty("fingerprint", PRINT);
        json.addProperty("host", "host-" + instance);
        json.addProperty("instance", instance);
        json.addProperty("sequence", sequence);
        json.addProperty("intervals", 1);
        json.addProperty("begin", end.minus(Duration.ofSeconds(5)).toString());
        json.addProperty("end", end.toString());
        json.addProperty("tokens_in", 2);
        json.addProperty("tokens_out", tokens - 2);
        json.addProperty("stall_nanos", 1_000_000_000L);
        json.addProperty("bytes_read", 4096);
        json.addProperty("budget_bytes", 16384);
        json.addProperty("slots", 4);
        json.addProperty("total_experts", 16);
        json.addProperty("layer_count", 3);
        json.addProperty("experts_per_layer", 8);
        json.addProperty("experts_per_token", 2);
        JsonArray layers = new JsonArray();
        for (int layer = 1; layer < 3; layer++) {
            JsonObject one = new JsonObject();
            one.addProperty("layer", layer);
            int other = (hot + 1) % 8;
            one.add("experts", array(Math.min(hot, other), Math.max(hot, other)));
            one.add("routed", array(tokens, tokens));
            one.add("hits", array(3, 1));
            one.add("misses", array(0, 1));
            one.add("prefetch_useful", array(1, 0));
            layers.add(one);
        }
        json.add("layers", layers);
        return json;
    }

    static JsonArray array(long... numbers) {
        JsonArray array = new JsonArray();
        for (long number : numbers) {
            array.add(number);
        }
        return array;
    }
}
