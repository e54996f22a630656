package io.greenroom.fleet;

import java.time.Duration;
import java.util.List;

/**
 * What the topology does.
 *
 * @param usageTopic of the replicas' records
 * @param fleetTopic of the windows
 * @param heatTopic of the merged heat; empty for none
 * @param rejectedTopic of what is no usage record; empty for none
 * @param windows their lengths, whole seconds
 * @param grace how late a record may be and still count in its window
 * @param heatInterval least time between two heat records of one checkpoint
 * @param heatHalfLife tokens, of all replicas together, after which one counts half
 */
record FleetSettings(
        String usageTopic,
        String fleetTopic,
        String heatTopic,
        String rejectedTopic,
        List<Duration> windows,
        Duration grace,
        Duration heatInterval,
        double heatHalfLife) {

    FleetSettings {
        windows = List.copyOf(windows);
    }

    static final FleetSettings DEFAULT =
            new FleetSettings(
                    "greenroom.expert-usage",
                    "greenroom.fleet-usage",
                    "greenroom.heat",
                    "greenroom.fleet-rejected",
                    List.of(Duration.ofSeconds(10), Duration.ofMinutes(1)),
                    Duration.ofSeconds(30),
                    Duration.ofMinutes(1),
                    262_144);
}
