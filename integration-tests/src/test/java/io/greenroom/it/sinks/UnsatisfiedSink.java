package io.greenroom.it.sinks;

import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageSink;
import jakarta.inject.Inject;

/**
 * An operator's sink that asks for a bean nobody has: by itself it would keep CDI from starting.
 */
public final class UnsatisfiedSink implements UsageSink {

    @Inject
    UnsatisfiedSink(Thread whose) {
        throw new IllegalStateException("not called with " + whose);
    }

    @Override
    public String name() {
        return "unsatisfied";
    }

    @Override
    public void accept(UsageRecord record) {}
}
