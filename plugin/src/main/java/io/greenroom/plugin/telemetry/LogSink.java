package io.greenroom.plugin.telemetry;

import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.plugin.config.PluginSettings;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes a line per record to the log, where the operator asked for it. */
@Singleton
final class LogSink implements UsageSink {

    private static final Logger logger = LoggerFactory.getLogger("greenroom.usage");

    private final boolean on;

    @Inject
    LogSink(PluginSettings settings) {
        this.on = settings.telemetryLog();
    }

    @Override
    public String name() {
        return "log";
    }

    @Override
    public boolean isOn() {
        return on;
    }

    @Override
    public String state() {
        return on ? "on: logger greenroom.usage" : "off: greenroom.telemetry.log is not set";
    }

    @Override
    public void accept(UsageRecord record) {
        if (logger.isInfoEnabled()) {
            logger.info("{}", line(record));
        }
    }

    static String line(UsageRecord record) {
        UsageSnapshot experts = record.experts();
        long hits = experts.sum(ExpertCounter.HITS);
        long visited = hits + experts.sum(ExpertCounter.MISSES);
        double seconds = Duration.between(record.begin(), record.end()).toNanos() / 1e9;
        return String.format(
                Locale.ROOT,
                "model %s: %.1f tokens/s, %d prompt tokens, %.1f %% of %d experts found in memory,"
                        + " %.1f MiB read, guesses: %d useful, %d late, %d wasted, %d called off;"
                        + " stalled %.0f %% of the time, %d of %d experts resident",
                record.origin().model(),
                seconds > 0 ? record.tokensOut() / seconds : 0,
                record.tokensIn(),
                visited == 0 ? 0 : 100.0 * hits / visited,
                visited,
                record.bytesRead() / 1048576.0,
                experts.sum(ExpertCounter.PREFETCH_USEFUL),
                experts.sum(ExpertCounter.PREFETCH_LATE),
                experts.sum(ExpertCounter.PREFETCH_WASTED),
                experts.sum(ExpertCounter.PREFETCH_CANCELLED),
                seconds > 0 ? 100 * record.stallNanos() / 1e9 / seconds : 0,
                record.memory().residentExperts(),
                record.memory().totalExperts());
    }
}
