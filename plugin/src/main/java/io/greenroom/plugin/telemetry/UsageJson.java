package io.greenroom.plugin.telemetry;

import com.google.gson.stream.JsonWriter;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.LayerCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Writes usage records as JSON, one object on one line; {@code docs/telemetry.md} describes every
 * field and has the JSON Schema.
 *
 * <p>A layer names the experts of which anything was counted, and has an array of as many numbers
 * for each counter that is not 0 for all of them: a record of few tokens is small however many
 * experts the model has.
 */
public final class UsageJson {

    private static final ExpertCounter[] PER_EXPERT = {
        ExpertCounter.ROUTED,
        ExpertCounter.HITS,
        ExpertCounter.MISSES,
        ExpertCounter.PREFETCH_USEFUL,
        ExpertCounter.PREFETCH_LATE,
        ExpertCounter.PREFETCH_WASTED,
        ExpertCounter.PREFETCH_CANCELLED,
        ExpertCounter.LOADS
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
        UsageSnapshot experts = record.experts();
        json.beginObject();
        json.name("schema").value(UsageRecord.SCHEMA);
        json.name("model").value(origin.model());
        json.name("fingerprint").value(origin.fingerprint());
        json.name("host").value(origin.host());
        json.name("instance").value(origin.instance());
        json.name("sequence").value(record.sequence());
        json.name("intervals").value(record.intervals());
        json.name("begin").value(record.begin().toString());
        json.name("end").value(record.end().toString());
        json.name("tokens_in").value(record.tokensIn());
        json.name("tokens_out").value(record.tokensOut());
        json.name("stall_nanos").value(record.stallNanos());
        json.name("bytes_read").value(record.bytesRead());
        json.name("budget_bytes").value(memory.budgetBytes());
        json.name("resident_bytes").value(memory.residentBytes());
        json.name("slot_bytes").value(memory.slotBytes());
        json.name("slots").value(memory.slots());
        json.name("resident_experts").value(memory.residentExperts());
        json.name("total_experts").value(memory.totalExperts());
        json.name("layer_count").value(experts.layers());
        json.name("experts_per_layer").value(experts.experts());
        if (origin.expertsPerToken() > 0) {
            json.name("experts_per_token").value(origin.expertsPerToken());
        }
        if (experts.sum(LayerCounter.YIELDING) > 0) {
            writeYielding(
                    json,
                    experts.sum(LayerCounter.YIELDING),
                    experts.sum(LayerCounter.ALTERED),
                    experts.sum(LayerCounter.FALLBACKS),
                    experts.sum(LayerCounter.EXACT_WEIGHT),
                    experts.sum(LayerCounter.LOST_WEIGHT));
        }
        json.name("layers").beginArray();
        for (int layer = 0; layer < experts.layers(); layer++) {
            writeLayer(json, record, layer);
        }
        json.endArray();
        json.endObject();
    }

    private static void writeLayer(JsonWriter json, UsageRecord record, int layer)
            throws IOException {
        UsageSnapshot usage = record.experts();
        int[] used = used(usage, layer);
        int residents = record.memory().residents().get(layer);
        long stalled = usage.get(LayerCounter.STALL_NANOS, layer);
        long yielding = usage.get(LayerCounter.YIELDING, layer);
        if (used.length == 0 && residents == 0 && stalled == 0 && yielding == 0) {
            return; // it has no experts, or nothing to say of them
        }
        json.beginObject();
        json.name("layer").value(layer);
        json.name("resident_experts").value(residents);
        json.name("resident_bytes").value(record.memory().residentBytes(layer));
        json.name("bytes_read").value(usage.sum(ExpertCounter.BYTES_READ, layer));
        json.name("stall_nanos").value(stalled);
        if (yielding > 0) {
            writeYielding(
                    json,
                    yielding,
                    usage.get(LayerCounter.ALTERED, layer),
                    usage.get(LayerCounter.FALLBACKS, layer),
                    usage.get(LayerCounter.EXACT_WEIGHT, layer),
                    usage.get(LayerCounter.LOST_WEIGHT, layer));
        }
        json.name("experts").beginArray();
        for (int expert : used) {
            json.value(expert);
        }
        json.endArray();
        for (ExpertCounter counter : PER_EXPERT) {
            if (usage.sum(counter, layer) == 0) {
                continue;
            }
            json.name(counter.name().toLowerCase(Locale.ROOT)).beginArray();
            for (int expert : used) {
                json.value(usage.get(counter, layer, expert));
            }
            json.endArray();
        }
        json.endObject();
    }

    private static void writeYielding(
            JsonWriter json,
            long selections,
            long altered,
            long fallbacks,
            long exactWeight,
            long lostWeight)
            throws IOException {
        json.name("yielding").beginObject();
        json.name("selections").value(selections);
        json.name("altered").value(altered);
        json.name("fallbacks").value(fallbacks);
        json.name("exact_weight").value(billionths(exactWeight));
        json.name("lost_weight").value(billionths(lostWeight));
        json.endObject();
    }

    private static BigDecimal billionths(long count) {
        return BigDecimal.valueOf(count, 9).stripTrailingZeros();
    }

    /** Experts of which anything was counted, ascending. */
    private static int[] used(UsageSnapshot usage, int layer) {
        return IntStream.range(0, usage.experts())
                .filter(
                        expert -> {
                            for (ExpertCounter counter : PER_EXPERT) {
                                if (usage.get(counter, layer, expert) != 0) {
                                    return true;
                                }
                            }
                            return false;
                        })
                .toArray();
    }
}
