package io.greenroom.fleet;

import io.greenroom.cache.heat.Heat;
import io.greenroom.cache.heat.HeatMeter;
import io.greenroom.cache.heat.Publication;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.jspecify.annotations.Nullable;

/**
 * The heat of one checkpoint in all replicas together, and what was told of it.
 *
 * @param now up to the last record
 * @param published what was told last, or null
 * @param publishedAt when, in milliseconds; 0 if never
 */
record FleetHeat(Heat now, @Nullable Heat published, long publishedAt) {

    /** What a first record begins with. */
    static FleetHeat of(Usage usage) {
        int experts = usage.layerCount() * usage.expertsPerLayer();
        return new FleetHeat(
                new Heat(usage.layerCount(), usage.expertsPerLayer(), 0, new float[experts]),
                null,
                0);
    }

    boolean fits(Usage usage) {
        return now.fits(usage.layerCount(), usage.expertsPerLayer());
    }

    /** With what one record says. */
    FleetHeat plus(Usage usage, double halfLifeTokens) {
        HeatMeter meter =
                new HeatMeter(now.layers(), now.experts(), usage.expertsPerToken(), halfLifeTokens);
        meter.begin(now);
        long[] routed = new long[now.experts()];
        for (Usage.Layer layer : usage.used()) {
            int[] experts = layer.experts();
            long[] counts = layer.routed();
            if (experts != null && counts != null) {
                Arrays.fill(routed, 0);
                for (int i = 0; i < experts.length; i++) {
                    routed[experts[i]] = counts[i];
                }
                meter.add(layer.layer(), routed);
            }
        }
        return new FleetHeat(meter.heat(), published, publishedAt);
    }

    /** Whether it is to be told now. */
    boolean isDue(long time, long intervalMillis, int slots) {
        return (publishedAt == 0 || time - publishedAt >= intervalMillis)
                && Publication.isDue(now, published, slots);
    }

    FleetHeat published(long time) {
        return new FleetHeat(now, now, Math.max(1, time));
    }

    /** For the store: floats as they are, since rounding at every record would add up. */
    static Serde<FleetHeat> serde() {
        return Serdes.serdeFrom(
                (topic, heat) -> heat == null ? null : write(heat),
                (topic, bytes) -> bytes == null ? null : read(ByteBuffer.wrap(bytes)));
    }

    private static byte[] write(FleetHeat heat) {
        int each = 2 * Integer.BYTES + Double.BYTES + heat.now.layers() * heat.now.experts() * 4;
        ByteBuffer bytes =
                ByteBuffer.allocate(Long.BYTES + each * (heat.published == null ? 1 : 2));
        bytes.putLong(heat.publishedAt);
        put(bytes, heat.now);
        if (heat.published != null) {
            put(bytes, heat.published);
        }
        return bytes.array();
    }

    private static void put(ByteBuffer bytes, Heat heat) {
        bytes.putInt(heat.layers()).putInt(heat.experts()).putDouble(heat.tokens());
        for (int layer = 0; layer < heat.layers(); layer++) {
            for (float share : heat.shares(layer)) {
                bytes.putFloat(share);
            }
        }
    }

    private static FleetHeat read(ByteBuffer bytes) {
        long at = bytes.getLong();
        Heat now = get(bytes);
        return new FleetHeat(now, bytes.hasRemaining() ? get(bytes) : null, at);
    }

    private static Heat get(ByteBuffer bytes) {
        int layers = bytes.getInt();
        int experts = bytes.getInt();
        double tokens = bytes.getDouble();
        float[] shares = new float[layers * experts];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = bytes.getFloat();
        }
        return new Heat(layers, experts, tokens, shares);
    }
}
