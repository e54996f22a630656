package io.greenroom.plugin.http;

import com.google.gson.stream.JsonWriter;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.decoder.Residency;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.BitSet;
import java.util.Locale;

/**
 * Counters and residency of all experts, for people as rows and for the page as small as may be.
 */
final class ExpertsJson {

    private static final ExpertCounter[] COUNTERS = {
        ExpertCounter.ROUTED, ExpertCounter.HITS, ExpertCounter.MISSES
    };

    private ExpertsJson() {}

    /**
     * A row for each layer with experts: who is in memory, and the counters since the load.
     *
     * @param model its name
     */
    static String rows(String model, Residency residency, UsageSnapshot usage) {
        StringWriter text = new StringWriter(1 << 16);
        try (JsonWriter json = new JsonWriter(text)) {
            json.beginObject();
            json.name("model").value(model);
            json.name("layers").value(residency.layers());
            json.name("experts_per_layer").value(residency.experts());
            json.name("resident").value(residency.resident().cardinality());
            json.name("rows").beginArray();
            for (int layer = 0; layer < residency.layers(); layer++) {
                if (residency.routed().get(layer)) {
                    row(json, layer, residency, usage);
                }
            }
            json.endArray();
            json.endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a StringWriter throws none
        }
        return text.toString();
    }

    private static void row(JsonWriter json, int layer, Residency residency, UsageSnapshot usage)
            throws IOException {
        json.beginObject();
        json.name("layer").value(layer);
        json.name("resident").beginArray();
        for (int expert = 0; expert < residency.experts(); expert++) {
            json.value(residency.isResident(layer, expert) ? 1 : 0);
        }
        json.endArray();
        if (residency.copies().length() > 0) {
            json.name("copy").beginArray();
            for (int expert = 0; expert < residency.experts(); expert++) {
                json.value(residency.hasCopy(layer, expert) ? 1 : 0);
            }
            json.endArray();
        }
        for (ExpertCounter counter : COUNTERS) {
            json.name(name(counter)).beginArray();
            for (int expert = 0; expert < residency.experts(); expert++) {
                json.value(usage.get(counter, layer, expert));
            }
            json.endArray();
        }
        json.endObject();
    }

    /**
     * Counters of those experts only that have any: {@code at} says where, counting through all
     * layers, each as the distance from the one before; the others are as long.
     */
    static void sparse(JsonWriter json, UsageSnapshot usage) throws IOException {
        int[] places = used(usage);
        json.beginObject();
        json.name("at").beginArray();
        int before = 0;
        for (int place : places) {
            json.value(place - before);
            before = place;
        }
        json.endArray();
        for (ExpertCounter counter : COUNTERS) {
            json.name(name(counter)).beginArray();
            for (int place : places) {
                json.value(usage.get(counter, place / usage.experts(), place % usage.experts()));
            }
            json.endArray();
        }
        json.endObject();
    }

    private static int[] used(UsageSnapshot usage) {
        int[] places = new int[usage.layers() * usage.experts()];
        int count = 0;
        for (int place = 0; place < places.length; place++) {
            long sum = 0;
            for (ExpertCounter counter : COUNTERS) {
                sum += usage.get(counter, place / usage.experts(), place % usage.experts());
            }
            if (sum != 0) {
                places[count++] = place;
            }
        }
        return Arrays.copyOf(places, count);
    }

    /** Bits as Base64, the first in the lowest bit of the first byte. */
    static void bits(JsonWriter json, BitSet bits, int length) throws IOException {
        byte[] bytes = Arrays.copyOf(bits.toByteArray(), (length + 7) / 8);
        json.value(Base64.getEncoder().encodeToString(bytes));
    }

    private static String name(ExpertCounter counter) {
        return counter.name().toLowerCase(Locale.ROOT);
    }
}
