package io.greenroom.plugin.telemetry;

import com.google.gson.stream.JsonWriter;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Locale;

/**
 * Writes usage records as JSON, one object on one line; {@code docs/telemetry.md} describes every
 * field and has the JSON Schema.
 *
 * <p>Layers in which nothing happened are left out, and so are counters that are 0 for all experts
 * of a layer: a record of few tokens is small however many experts the model has.
 */
public final class UsageJson {

    private static final ExpertCounter[] PER_EXPERT = {
        ExpertCounter.ROUTED,
        ExpertCounter.HITS,
        ExpertCounter.MISSES,
        ExpertCounter.PREFETCH_USEFUL,
        ExpertCounter.PREFETCH_LATE,
        ExpertCounter.PREFETCH_WASTED
    };

    private UsageJson() {}

    /** The record as one line, without a line break. */
    public static String toJson(UsageRecord record) {
        StringWriter text = new StringWriter(4096);
        try (JsonWriter json = new JsonWriter(text)) {
            write(json, record);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a StringWriter throws none
        }
        return text.toString();
    }

    private static void write(JsonWriter json, UsageRecord record) throws IOException {
        UsageRecord.Origin origin = record.origin();
        UsageRecord.Memory memory = record.memory();
        json.beginObject();
        json.name("schema").value(UsageRecord.SCHEMA);
        json.name("model").value(origin.model());
        json.name("fingerprint").value(origin.fingerprint());
        json.name("host").value(origin.host());
        json.name("instance").value(origin.instance());
        json.name("sequence").value(record.sequence());
        json.name("begin").value(record.begin().toString());
        json.name("end").value(record.end().toString());
        json.name("tokens_in").value(record.tokensIn());
        json.name("tokens_out").value(record.tokensOut());
        json.name("stall_nanos").value(record.stallNanos());
        json.name("bytes_read").value(record.experts().sum(ExpertCounter.BYTES_READ));
        json.name("budget_bytes").value(memory.budgetBytes());
        json.name("resident_bytes").value(memory.residentBytes());
        json.name("slots").value(memory.slots());
        json.name("resident_experts").value(memory.residentExperts());
        json.name("total_experts").value(memory.totalExperts());
        json.name("experts_per_layer").value(record.experts().experts());
        json.name("layers").beginArray();
        for (int layer = 0; layer < record.experts().layers(); layer++) {
            writeLayer(json, record.experts(), layer);
        }
        json.endArray();
        json.endObject();
    }

    private static void writeLayer(JsonWriter json, UsageSnapshot experts, int layer)
            throws IOException {
        boolean open = false;
        for (ExpertCounter counter : PER_EXPERT) {
            if (experts.sum(counter, layer) == 0) {
                continue;
            }
            open = open(json, layer, open);
            json.name(counter.name().toLowerCase(Locale.ROOT)).beginArray();
            for (int expert = 0; expert < experts.experts(); expert++) {
                json.value(experts.get(counter, layer, expert));
            }
            json.endArray();
        }
        long bytes = experts.sum(ExpertCounter.BYTES_READ, layer);
        if (bytes > 0) {
            open = open(json, layer, open);
            json.name("bytes_read").value(bytes);
        }
        if (open) {
            json.endObject();
        }
    }

    private static boolean open(JsonWriter json, int layer, boolean open) throws IOException {
        if (!open) {
            json.beginObject();
            json.name("layer").value(layer);
        }
        return true;
    }
}
