package io.greenroom.plugin.http;

import com.google.gson.stream.JsonWriter;
import io.greenroom.cache.CacheStats;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.offload.decoder.BudgetChange;
import io.greenroom.offload.decoder.BudgetCurve;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.decoder.PrefetchStatus;
import io.greenroom.plugin.protocol.Json;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Writes what the page shows as JSON; {@code docs/dashboard.md} has every field. Sizes are bytes,
 * times seconds unless the name says otherwise. Counts and sizes only, never text of requests.
 */
final class LiveJson {

    /** Version of what is written here. */
    static final int SCHEMA = 1;

    private LiveJson() {}

    /** Everything; experts have their counters since the load. */
    static String snapshot(ModelReading.All readings) {
        return write(readings, true);
    }

    /** What does not change is left out; experts have what their counters grew by. */
    static String update(ModelReading.All readings) {
        return write(readings, false);
    }

    private static String write(ModelReading.All readings, boolean whole) {
        StringWriter text = new StringWriter(8192);
        try (JsonWriter json = new JsonWriter(text)) {
            json.beginObject();
            json.name("schema").value(SCHEMA);
            json.name("time").value(readings.time());
            json.name("models").beginArray();
            for (ModelReading model : readings.models()) {
                write(json, model, whole);
            }
            json.endArray();
            json.name("telemetry").jsonValue(Json.write(SinksJson.of(readings.telemetry())));
            json.endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a StringWriter throws none
        }
        return text.toString();
    }

    private static void write(JsonWriter json, ModelReading model, boolean whole)
            throws IOException {
        json.beginObject();
        json.name("instance").value(model.about().instance());
        if (whole) {
            about(json, model);
        }
        memory(json, model);
        requests(json, model.status());
        cache(json, model.status().cache());
        rates(json, model.rates());
        prefetch(json, model);
        if (whole || model.curveIsNew()) {
            curve(json, model.curve());
        }
        json.name("residents");
        ExpertsJson.bits(json, model.residency().resident(), cells(model));
        if (model.residency().copies().length() > 0) {
            json.name("copies");
            ExpertsJson.bits(json, model.residency().copies(), cells(model));
        }
        json.name("use");
        ExpertsJson.sparse(json, whole ? model.usage() : model.grown());
        json.endObject();
    }

    private static int cells(ModelReading model) {
        return model.residency().layers() * model.residency().experts();
    }

    private static void about(JsonWriter json, ModelReading model) throws IOException {
        ModelReading.About about = model.about();
        json.name("name").value(about.name());
        json.name("version").value(about.version());
        json.name("context_length").value(about.contextLength());
        json.name("routing").value(about.routing());
        json.name("layers").value(model.residency().layers());
        json.name("experts_per_layer").value(model.residency().experts());
        json.name("layers_with_experts").beginArray();
        for (int layer = 0; layer < model.residency().layers(); layer++) {
            if (model.residency().routed().get(layer)) {
                json.value(layer);
            }
        }
        json.endArray();
        size(json.name("budget_floor"), about.range().floor());
        size(json.name("budget_ceiling"), about.range().ceiling());
    }

    private static void size(JsonWriter json, BudgetChange.Size size) throws IOException {
        json.beginObject();
        json.name("bytes").value(size.bytes());
        json.name("slots").value(size.slots());
        json.endObject();
    }

    private static void memory(JsonWriter json, ModelReading model) throws IOException {
        MoeModel.Status status = model.status();
        json.name("memory").beginObject();
        json.name("expert_budget").value(model.budget().toString());
        json.name("expert_budget_bytes").value(status.budgetBytes());
        json.name("slots").value(status.slots());
        json.name("slot_bytes").value(status.slotBytes());
        json.name("resident").value(status.residentExperts());
        json.name("total").value(status.totalExperts());
        json.name("dense_bytes").value(status.denseBytes());
        json.name("kv_bytes").value(status.kvBytes());
        json.endObject();
    }

    private static void requests(JsonWriter json, MoeModel.Status status) throws IOException {
        json.name("requests").beginObject();
        json.name("running").value(status.running());
        json.name("queued").value(status.queued());
        json.name("tokens_in").value(status.tokensIn());
        json.name("tokens_out").value(status.tokensOut());
        json.endObject();
    }

    private static void cache(JsonWriter json, CacheStats cache) throws IOException {
        json.name("cache").beginObject();
        json.name("hits").value(cache.hits());
        json.name("misses").value(cache.misses());
        json.name("evictions").value(cache.evictions());
        json.name("load_failures").value(cache.loadFailures());
        json.endObject();
    }

    private static void rates(JsonWriter json, ModelReading.@Nullable Rates rates)
            throws IOException {
        json.name("interval");
        if (rates == null || rates.seconds() <= 0) {
            json.nullValue();
            return;
        }
        json.beginObject();
        json.name("seconds").value(rates.seconds());
        json.name("tokens_in").value(rates.tokensIn());
        json.name("tokens_out").value(rates.tokensOut());
        json.name("hits").value(rates.hits());
        json.name("misses").value(rates.misses());
        json.name("stall_seconds").value(rates.stallSeconds());
        json.name("bytes_read").value(rates.bytesRead());
        json.endObject();
    }

    private static void prefetch(JsonWriter json, ModelReading model) throws IOException {
        PrefetchStatus prefetch = model.prefetch();
        json.name("prefetch").beginObject();
        json.name("mode").value(prefetch.mode().name().toLowerCase(Locale.ROOT));
        json.name("on").value(prefetch.on());
        json.name("reason").value(prefetch.reason());
        json.name("useful").value(model.usage().sum(ExpertCounter.PREFETCH_USEFUL));
        json.name("late").value(model.usage().sum(ExpertCounter.PREFETCH_LATE));
        json.name("wasted").value(model.usage().sum(ExpertCounter.PREFETCH_WASTED));
        json.name("cancelled").value(model.usage().sum(ExpertCounter.PREFETCH_CANCELLED));
        json.name("link_idle_share");
        known(json, OptionalDouble.of(prefetch.idleShare()));
        json.endObject();
    }

    private static void curve(JsonWriter json, BudgetCurve curve) throws IOException {
        json.name("curve").beginObject();
        json.name("tokens").value(curve.tokens());
        json.name("points").beginArray();
        for (BudgetCurve.Point point : curve.points()) {
            json.beginObject();
            json.name("budget_bytes").value(point.budgetBytes());
            json.name("slots").value(point.slots());
            json.name("hit_rate").value(point.hitRate());
            json.name("tokens_per_second");
            known(json, point.tokensPerSecond());
            json.endObject();
        }
        json.endArray();
        json.endObject();
    }

    private static void known(JsonWriter json, OptionalDouble number) throws IOException {
        if (number.isPresent() && Double.isFinite(number.getAsDouble())) {
            json.value(number.getAsDouble());
        } else {
            json.nullValue();
        }
    }
}
