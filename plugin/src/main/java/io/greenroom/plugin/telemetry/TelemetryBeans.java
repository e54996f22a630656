package io.greenroom.plugin.telemetry;

import io.greenroom.plugin.telemetry.prometheus.PrometheusSink;
import java.util.List;

/** The bean classes of this package. */
public final class TelemetryBeans {

    public static final List<Class<?>> CLASSES =
            List.of(UsageReporter.class, RefusedSinks.class, PrometheusSink.class, LogSink.class);

    private TelemetryBeans() {}
}
