package io.greenroom.plugin.heat;

import io.greenroom.cache.heat.Heat;
import java.time.Instant;

/**
 * Heat as one replica, or the fleet's aggregation, tells it to others; {@link HeatJson} writes it.
 *
 * @param key of which model and checkpoint
 * @param host where it was measured
 * @param at when
 * @param heat the hottest experts, and how hot
 */
public record HeatRecord(HeatKey key, String host, Instant at, Heat heat) {

    /** Version of what {@link HeatJson} writes. */
    public static final int SCHEMA = 1;
}
