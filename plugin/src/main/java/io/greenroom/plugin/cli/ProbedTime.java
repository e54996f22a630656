package io.greenroom.plugin.cli;

import io.greenroom.cache.sim.TimeModel;
import io.greenroom.offload.decoder.ComputeProbe;
import io.greenroom.offload.decoder.MissProbe;
import io.greenroom.offload.probe.DiskProbe;
import io.greenroom.offload.store.ModelSpec;

/**
 * The simulator's time model of this machine, from probes of its parts and of a token of misses.
 */
final class ProbedTime {

    private static final double NANOS = 1e9;

    /**
     * Of a layer's and an expert's time, what further rows do not pay again: reading its weights.
     */
    private static final double FIXED = 0.75;

    private ProbedTime() {}

    static TimeModel of(ModelSpec spec, DiskProbe disk, ComputeProbe compute, MissProbe misses) {
        int layers = MachineSettings.moeLayers(spec);
        double expert = NANOS * compute.expertSeconds();
        double experts = layers * spec.expertsPerToken() * expert;
        double token = NANOS * compute.tokenSeconds().median();
        double layer = Math.max(0, token - experts) / layers;
        return new TimeModel(
                        disk.bytesPerSecond(),
                        latency(disk),
                        0,
                        FIXED * layer,
                        (1 - FIXED) * layer,
                        FIXED * expert,
                        (1 - FIXED) * expert)
                .resumingAfterMisses(
                        NANOS * misses.tokenSeconds().median(),
                        layers,
                        spec.expertsPerToken(),
                        Math.round(disk.expertBytes()));
    }

    /** Nanoseconds until an expert's first byte. */
    static double latency(DiskProbe disk) {
        return NANOS
                * Math.max(
                        0, disk.oneSeconds().median() - disk.expertBytes() / disk.bytesPerSecond());
    }
}
