package io.greenroom.plugin.cli;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.plan.AssumedTraffic;
import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a plan takes the model to be asked: recorded traces of it, or an assumption.
 *
 * @param sequences each replayed into an empty cache
 * @param traces they are from; none if nothing was recorded
 * @param assumed whether nothing was recorded
 * @param description in words
 */
record PlannedTraffic(
        List<RoutingSequence> sequences,
        List<RoutingTrace> traces,
        boolean assumed,
        String description) {

    /**
     * What is assumed of a model without a trace: between the worst case for a cache (all experts
     * alike) and the demo model's own traffic.
     */
    static final AssumedTraffic ASSUMPTION = new AssumedTraffic(0.8, 0.2);

    private static final int ASSUMED_TOKENS = 512;

    /**
     * Reads traces.
     *
     * @throws IOException if one is of another checkpoint
     */
    static PlannedTraffic recorded(Checkpoint checkpoint, List<Path> files) throws IOException {
        String fingerprint = Fingerprint.of(checkpoint);
        List<RoutingSequence> sequences = new ArrayList<>();
        List<RoutingTrace> traces = new ArrayList<>();
        long tokens = 0;
        for (Path file : files) {
            RoutingTrace trace = RoutingTrace.read(file);
            if (!trace.header().fingerprint().equals(fingerprint)) {
                throw new IOException(
                        "Trace "
                                + file
                                + " was recorded from another checkpoint ("
                                + trace.header().model()
                                + ", fingerprint "
                                + trace.header().fingerprint()
                                + ") than "
                                + checkpoint.location()
                                + " (fingerprint "
                                + fingerprint
                                + "); record one of this model with -o trace=FILE");
            }
            if (trace.steps().isEmpty()) {
                throw new IOException("Trace " + file + " has no steps to plan from");
            }
            RoutingSequence sequence = RoutingSequence.of(trace);
            tokens += sequence.tokens();
            sequences.add(sequence);
            traces.add(trace);
        }
        return new PlannedTraffic(
                sequences,
                traces,
                false,
                String.format(
                        Locale.ROOT,
                        "%d tokens in %d trace%s recorded from this checkpoint",
                        tokens,
                        files.size(),
                        files.size() == 1 ? "" : "s"));
    }

    /** Draws traffic for a model about which nothing is known. */
    static PlannedTraffic assumed(Checkpoint checkpoint) {
        ModelSpec spec = checkpoint.spec();
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        long[] bytes = new long[spec.layers()];
        for (int layer = 0; layer < bytes.length; layer++) {
            bytes[layer] = spec.moeLayers()[layer] ? layout.expertBytes(new ExpertId(layer, 0)) : 0;
        }
        CacheShape shape = new CacheShape(spec.layers(), spec.experts(), spec.expertsPerToken());
        return new PlannedTraffic(
                List.of(ASSUMPTION.visits(shape, bytes, ASSUMED_TOKENS, 1)),
                List.of(),
                true,
                String.format(
                        Locale.ROOT,
                        "ASSUMED, as no trace was given: experts popular by Zipf's law with exponent"
                                + " %.1f, %.0f %% of choices repeated for the next token; record a"
                                + " trace with -o trace=FILE to know better",
                        ASSUMPTION.exponent(),
                        100 * ASSUMPTION.repeat()));
    }
}
