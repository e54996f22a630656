package io.greenroom.plugin.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.greenroom.cache.ByteSize;
import io.greenroom.offload.decoder.BudgetCurve;
import java.util.Locale;

/** What other budgets would bring a model, as JSON. */
final class MissRatioJson {

    private MissRatioJson() {}

    static JsonObject of(BudgetCurve curve) {
        JsonArray points = new JsonArray();
        for (BudgetCurve.Point point : curve.points()) {
            JsonObject json = new JsonObject();
            json.addProperty("budget_bytes", point.budgetBytes());
            json.addProperty("slots", point.slots());
            json.addProperty("hit_rate", point.hitRate());
            json.addProperty("bytes_per_token", point.bytesPerToken());
            json.add(
                    "tokens_per_second",
                    point.tokensPerSecond().isPresent()
                            ? new JsonPrimitive(point.tokensPerSecond().getAsDouble())
                            : JsonNull.INSTANCE);
            json.addProperty("in_words", inWords(point));
            points.add(json);
        }
        JsonObject json = new JsonObject();
        json.addProperty("tokens", curve.tokens());
        json.add("budgets", points);
        return json;
    }

    private static String inWords(BudgetCurve.Point point) {
        String hits =
                String.format(
                        Locale.ROOT,
                        "at %s you would have %.0f %% hits",
                        new ByteSize(point.budgetBytes()),
                        100 * point.hitRate());
        return point.tokensPerSecond().isPresent()
                ? String.format(
                        Locale.ROOT,
                        "%s, about %.0f tokens/s",
                        hits,
                        point.tokensPerSecond().getAsDouble())
                : hits;
    }
}
