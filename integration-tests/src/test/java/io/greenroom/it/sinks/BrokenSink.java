package io.greenroom.it.sinks;

import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageSink;

/** An operator's sink that cannot be made. */
public final class BrokenSink implements UsageSink {

    public BrokenSink() {
        throw new IllegalStateException("no configuration");
    }

    @Override
    public String name() {
        return "broken";
    }

    @Override
    public void accept(UsageRecord record) {}
}
