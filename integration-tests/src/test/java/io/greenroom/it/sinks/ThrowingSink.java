package io.greenroom.it.sinks;

import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageSink;
import java.io.IOException;

/** An operator's sink that takes nothing. */
public final class ThrowingSink implements UsageSink {

    @Override
    public String name() {
        return "throwing";
    }

    @Override
    public void accept(UsageRecord record) throws IOException {
        throw new IOException("no such database");
    }
}
