package io.greenroom.plugin.cli;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.sim.TimeModel;
import io.greenroom.offload.decoder.ComputeProbe;
import io.greenroom.offload.decoder.MissProbe;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.probe.DiskProbe;
import io.greenroom.offload.probe.Spread;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options that say how fast this machine is, or have it measured. */
final class MachineSettings {

    private static final double NANOS = 1e9;

    @Option(names = "--no-probe", description = "Measure nothing; what is not given is not known.")
    private boolean noProbe;

    @Option(
            names = "--probe-time",
            paramLabel = "SECONDS",
            defaultValue = "2",
            description =
                    "How long to measure the disk, and how long the cores (default:"
                            + " ${DEFAULT-VALUE}).")
    private double probeSeconds = 2;

    @Option(
            names = "--bandwidth",
            paramLabel = "SIZE",
            converter = Size.class,
            description = "Bytes per second of experts read together (1GB), instead of measuring.")
    private @Nullable ByteSize bandwidth;

    @Option(
            names = "--latency",
            paramLabel = "MS",
            defaultValue = "0.1",
            description =
                    "With --bandwidth: milliseconds until the first byte (default:"
                            + " ${DEFAULT-VALUE}).")
    private double latencyMillis = 0.1;

    @Option(
            names = "--token-time",
            paramLabel = "MS",
            description =
                    "Milliseconds of computing for a token with all experts resident, instead of"
                            + " measuring.")
    private @Nullable Double tokenMillis;

    /**
     * A machine as far as it is known.
     *
     * @param time of a token's parts; null if bandwidth or compute time is not known
     * @param lines what was measured or given, in words
     * @param warnings what to keep in mind
     * @param disk what was measured, or null
     * @param compute what was measured, or null
     * @param misses what was measured, or null
     */
    record Machine(
            @Nullable TimeModel time,
            List<String> lines,
            List<String> warnings,
            @Nullable DiskProbe disk,
            @Nullable ComputeProbe compute,
            @Nullable MissProbe misses) {}

    /** Measures what was not given. */
    Machine measure(Checkpoint checkpoint, ModelOptions options, PrintWriter err)
            throws IOException, InterruptedException {
        long nanos = (long) (probeSeconds * NANOS);
        DiskProbe disk =
                noProbe || bandwidth != null
                        ? null
                        : LoadProgress.during(
                                "Reading experts to see how fast they come",
                                err,
                                () -> DiskProbe.of(checkpoint, options.directIo(), nanos, 1));
        ComputeProbe compute =
                noProbe || tokenMillis != null
                        ? null
                        : LoadProgress.during(
                                "Computing made-up weights to see how fast that goes",
                                err,
                                () -> ComputeProbe.of(checkpoint, options, nanos));
        MissProbe misses =
                disk == null || compute == null
                        ? null
                        : LoadProgress.during(
                                "Doing both at a time",
                                err,
                                () -> MissProbe.of(checkpoint, options, nanos));
        return new Machine(
                time(checkpoint.spec(), disk, compute, misses).orElse(null),
                lines(disk, compute, misses),
                warnings(disk),
                disk,
                compute,
                misses);
    }

    private Optional<TimeModel> time(
            ModelSpec spec,
            @Nullable DiskProbe disk,
            @Nullable ComputeProbe compute,
            @Nullable MissProbe misses) {
        if (disk != null && compute != null && misses != null) {
            return Optional.of(ProbedTime.of(spec, disk, compute, misses));
        }
        if ((disk == null && bandwidth == null) || (compute == null && tokenMillis == null)) {
            return Optional.empty();
        }
        double bytesPerSecond =
                bandwidth != null ? bandwidth.bytes() : disk == null ? 0 : disk.bytesPerSecond();
        double latency = disk == null ? latencyMillis * 1e6 : ProbedTime.latency(disk);
        double token =
                tokenMillis != null
                        ? tokenMillis * 1e6
                        : compute == null ? 0 : compute.tokenSeconds().median() * NANOS;
        int visited = moeLayers(spec) * spec.expertsPerToken();
        // where it was not measured, half of the time is taken to be the experts'
        double expert = compute == null ? token / 2 / visited : compute.expertSeconds() * NANOS;
        expert = Math.min(expert, token / visited);
        double layer = (token - visited * expert) / moeLayers(spec);
        return Optional.of(new TimeModel(bytesPerSecond, latency, 0, layer, 0, expert, 0));
    }

    static int moeLayers(ModelSpec spec) {
        int layers = 0;
        for (boolean moe : spec.moeLayers()) {
            layers += moe ? 1 : 0;
        }
        return layers;
    }

    private List<String> lines(
            @Nullable DiskProbe disk, @Nullable ComputeProbe compute, @Nullable MissProbe misses) {
        List<String> lines = new ArrayList<>();
        if (disk != null) {
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "disk      one expert in %s ms, %d together in %s ms: %.0f MB/s (%d and"
                                    + " %d times)",
                            millis(disk.oneSeconds()),
                            disk.group(),
                            millis(disk.groupSeconds()),
                            disk.bytesPerSecond() / 1e6,
                            disk.oneSeconds().count(),
                            disk.groupSeconds().count()));
        } else if (bandwidth != null) {
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "disk      %.0f MB/s after %.2f ms, as given",
                            bandwidth.bytes() / 1e6,
                            latencyMillis));
        } else {
            lines.add("disk      not measured");
        }
        if (compute != null) {
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "compute   a token in %s ms with all experts resident, %.3f ms of it for"
                                    + " each expert (%d times; %s)",
                            millis(compute.tokenSeconds()),
                            compute.expertSeconds() * 1e3,
                            compute.tokenSeconds().count(),
                            compute.kernels()));
        } else if (tokenMillis != null) {
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "compute   a token in %.2f ms with all experts resident, as given; half"
                                    + " of it is taken to be the experts'",
                            tokenMillis));
        } else {
            lines.add("compute   not measured");
        }
        if (misses != null) {
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "both      a token in %s ms with every expert read (%d times)",
                            millis(misses.tokenSeconds()),
                            misses.tokenSeconds().count()));
        }
        return lines;
    }

    private static List<String> warnings(@Nullable DiskProbe disk) {
        List<String> warnings = new ArrayList<>();
        if (disk == null) {
            return warnings;
        }
        disk.whyBuffered()
                .ifPresent(
                        why ->
                                warnings.add(
                                        "experts were read through the page cache ("
                                                + why
                                                + "): this may say nothing about the disk"));
        if (disk.oneSeconds().high() > 3 * disk.oneSeconds().low()) {
            warnings.add(
                    "the disk answered unevenly; a file that was not read lately may come many"
                            + " times more slowly at first");
        }
        return warnings;
    }

    private static String millis(Spread seconds) {
        Spread millis = seconds.times(1e3);
        return String.format(
                Locale.ROOT, "%.2f (%.2f-%.2f)", millis.median(), millis.low(), millis.high());
    }

    /** Reads a size. */
    static final class Size implements ITypeConverter<ByteSize> {
        @Override
        public ByteSize convert(String text) {
            try {
                ByteSize size = ByteSize.parse(text);
                if (size.bytes() > 0) {
                    return size;
                }
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
            throw new TypeConversionException("write a size above 0, like 1GB");
        }
    }
}
