package io.greenroom.fleet;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What one model did in one window, in all replicas together. Grows record by record; not
 * thread-safe. Written as JSON with these field names in snake case, see {@code docs/fleet.md}.
 */
final class ModelWindow {

    /** Checkpoints of one model at a time; more than two are a mistake of somebody. */
    private static final int MOST_CHECKPOINTS = 8;

    /** Version of the format. */
    static final int SCHEMA = 1;

    /**
     * Tokens that each expert of a checkpoint was sent.
     *
     * @param layers of the model
     * @param experts of each layer
     * @param routed {@code [layers][experts]}, null for layers that were not used
     */
    record Routed(int layers, int experts, long[] @Nullable [] routed) {}

    final TreeSet<String> instances = new TreeSet<>();
    final Map<String, Routed> checkpoints = new LinkedHashMap<>(); // by fingerprint
    long records;
    long reportsMissed;
    long tokensIn;
    long tokensOut;
    long coveredNanos;
    long stallNanos;
    long bytesRead;
    long hits;
    long misses;
    long prefetchUseful;
    long prefetchLate;
    long prefetchWasted;

    /** Adds a record. */
    ModelWindow add(Usage usage) {
        instances.add(String.valueOf(usage.instance()));
        records++;
        reportsMissed += usage.missed();
        tokensIn += usage.tokensIn();
        tokensOut += usage.tokensOut();
        coveredNanos += usage.length().toNanos();
        stallNanos += usage.stallNanos();
        bytesRead += usage.bytesRead();
        Routed routed = routed(usage);
        for (Usage.Layer layer : usage.used()) {
            hits += Usage.Layer.sum(layer.hits());
            misses += Usage.Layer.sum(layer.misses());
            prefetchUseful += Usage.Layer.sum(layer.prefetchUseful());
            prefetchLate += Usage.Layer.sum(layer.prefetchLate());
            prefetchWasted += Usage.Layer.sum(layer.prefetchWasted());
            if (routed != null) {
                addRouted(routed, layer);
            }
        }
        return this;
    }

    /** Where a record's experts count; null if its shape is not that of its checkpoint so far. */
    private @Nullable Routed routed(Usage usage) {
        String print = String.valueOf(usage.fingerprint());
        Routed known = checkpoints.get(print);
        if (known == null && checkpoints.size() < MOST_CHECKPOINTS) {
            known =
                    new Routed(
                            usage.layerCount(),
                            usage.expertsPerLayer(),
                            new long[usage.layerCount()][]);
            checkpoints.put(print, known);
        }
        boolean fits =
                known != null
                        && known.layers() == usage.layerCount()
                        && known.experts() == usage.expertsPerLayer();
        return fits ? known : null;
    }

    private static void addRouted(Routed to, Usage.Layer layer) {
        int[] experts = layer.experts();
        long[] counts = layer.routed();
        if (experts == null || counts == null) {
            return;
        }
        long[] sums = to.routed()[layer.layer()];
        if (sums == null) {
            sums = new long[to.experts()];
            to.routed()[layer.layer()] = sums;
        }
        for (int i = 0; i < experts.length; i++) {
            sums[experts[i]] += counts[i];
        }
    }

    /** Share of visited experts that were in memory; 0 if none was visited. */
    double hitRate() {
        long visited = hits + misses;
        return visited == 0 ? 0 : (double) hits / visited;
    }

    /** Part of the replicas' time that decoding waited for experts. */
    double stallShare() {
        return coveredNanos == 0 ? 0 : (double) stallNanos / coveredNanos;
    }
}
