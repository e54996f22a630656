package io.greenroom.plugin.cli;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.sim.TimeModel;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options that say how fast a simulated machine is. */
final class TimeSettings {

    /** What a small machine's cores read from memory while they compute. */
    private static final double MEMORY_BYTES_PER_NANO = 25;

    @Option(
            names = "--bandwidth",
            defaultValue = "1GB/s",
            paramLabel = "BYTES/s",
            converter = Bandwidth.class,
            description = "What the disk delivers (default: ${DEFAULT-VALUE}).")
    private double bandwidth = 1e9;

    @Option(
            names = "--latency",
            defaultValue = "0.1ms",
            paramLabel = "TIME",
            converter = Time.class,
            description =
                    "From asking for an expert to its first byte; reads in flight overlap it"
                            + " (default: ${DEFAULT-VALUE}).")
    private double latency = 1e5;

    @Option(
            names = "--layer-time",
            defaultValue = "0.05ms",
            paramLabel = "TIME",
            converter = Time.class,
            description =
                    "Attention and all else of a layer but its routed experts, for one row"
                            + " (default: ${DEFAULT-VALUE}).")
    private double layer = 5e4;

    @Option(
            names = "--expert-time",
            paramLabel = "TIME",
            converter = Time.class,
            description =
                    "One expert for one row (default: its bytes at 25 GB/s, since it is bound by"
                            + " memory).")
    private @Nullable Double expert;

    /** The machine, for experts of a size. Each further row costs a tenth. */
    TimeModel model(long expertBytes) {
        double forExpert = expert == null ? expertBytes / MEMORY_BYTES_PER_NANO : expert;
        return new TimeModel(
                bandwidth, latency, 0, 0.9 * layer, 0.1 * layer, 0.9 * forExpert, 0.1 * forExpert);
    }

    /** Reads {@code 1GB/s}. */
    static final class Bandwidth implements ITypeConverter<Double> {
        @Override
        public Double convert(String text) {
            String size = text.trim().replaceFirst("/s$", "");
            try {
                double bytes = ByteSize.parse(size).bytes();
                if (bytes > 0) {
                    return bytes;
                }
            } catch (IllegalArgumentException e) {
                // told below
            }
            throw new TypeConversionException(
                    "not a bandwidth: \"" + text + "\"; write bytes a second, like 900MB/s");
        }
    }

    /** Reads {@code 0.2ms} to nanoseconds. */
    static final class Time implements ITypeConverter<Double> {

        private static final Pattern TEXT =
                Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?) *(ns|us|ms|s)");

        @Override
        public Double convert(String text) {
            Matcher matcher = TEXT.matcher(text.trim().toLowerCase(Locale.ROOT));
            if (!matcher.matches()) {
                throw new TypeConversionException(
                        "not a time: \"" + text + "\"; write a number and ns, us, ms or s");
            }
            double unit =
                    switch (matcher.group(2)) {
                        case "ns" -> 1;
                        case "us" -> 1e3;
                        case "ms" -> 1e6;
                        default -> 1e9;
                    };
            return Double.parseDouble(matcher.group(1)) * unit;
        }
    }
}
