package io.greenroom.it.sinks;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageSink;
import jakarta.inject.Inject;

/** An operator's sink that works: it counts records and says so. */
public final class NotingSink implements UsageSink {

    private final long intervalMillis;
    private String last = "nobody";
    private long tokens;

    @Inject
    NotingSink(PluginSettings settings) {
        this.intervalMillis = settings.telemetryInterval().toMillis();
    }

    @Override
    public String name() {
        return "noting";
    }

    @Override
    public void accept(UsageRecord record) {
        last = record.origin().model();
        tokens += record.tokensOut();
    }

    @Override
    public String state() {
        return tokens + " tokens, the last of " + last + ", every " + intervalMillis + " ms";
    }
}
