package io.greenroom.plugin.http;

import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.telemetry.prometheus.PrometheusSink;
import java.time.Clock;
import java.util.List;

/** Prometheus for tests of routes. */
final class Metrics {

    private Metrics() {}

    /** Switched off. */
    static PrometheusSink none() {
        return new PrometheusSink(new ModelRegistry(), false, Clock.systemUTC(), List::of);
    }

    /** Of no models. To be closed. */
    static PrometheusSink ofNothing() {
        return new PrometheusSink(new ModelRegistry(), true, Clock.systemUTC(), List::of);
    }
}
