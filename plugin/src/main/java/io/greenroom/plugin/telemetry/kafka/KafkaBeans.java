package io.greenroom.plugin.telemetry.kafka;

import java.util.List;

/** The bean classes of this package. */
public final class KafkaBeans {

    public static final List<Class<?>> CLASSES =
            List.of(KafkaSettings.class, KafkaSink.class, KafkaHeatStore.class);

    private KafkaBeans() {}
}
