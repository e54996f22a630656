package io.greenroom.plugin.telemetry.prometheus;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.GreenroomVersion;
import io.greenroom.plugin.engine.ModelNames;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.telemetry.SinkStatus;
import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageReporter;
import io.greenroom.plugin.telemetry.UsageSink;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Provider;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prometheus's view of all loaded models, in the registry that the server shows at {@code
 * /server/metrics}, and at {@code /metrics}. Counters, meters and state are read when somebody
 * asks; of the usage records only the hit rate of the last minute is made.
 */
@Singleton
public final class PrometheusSink implements UsageSink {

    private static final Logger logger = LoggerFactory.getLogger(PrometheusSink.class);

    /** Models with series; further ones are only counted. */
    static final int MAX_MODELS = 64;

    /** Sinks with series. */
    static final int MAX_SINKS = 32;

    /** What all our series' names begin with. */
    private static final String PREFIX = "greenroom_";

    private final ModelRegistry models;
    private final Supplier<List<SinkStatus>> sinks;
    private final Clock clock;
    private final ModelNames names = new ModelNames();
    private final HitRates hitRates = new HitRates();
    private final String state;
    private @Nullable Registry registry;
    private volatile @Nullable Runnable unregister;

    @Inject
    PrometheusSink(
            ModelRegistry models, PluginSettings settings, Provider<UsageReporter> reporter) {
        // Made by the reporter itself, so it can be asked only later.
        this(models, settings.prometheus(), Clock.systemUTC(), () -> reporter.get().sinks());
    }

    /**
     * @param on whether there are to be series
     * @param sinks of usage records, whose series there are, too
     */
    public PrometheusSink(
            ModelRegistry models, boolean on, Clock clock, Supplier<List<SinkStatus>> sinks) {
        this.models = models;
        this.clock = clock;
        this.sinks = sinks;
        this.state = on ? connect() : "off: greenroom.prometheus is false";
    }

    private String connect() {
        try {
            Registry found = new Registry();
            registry = found;
            unregister = found.register(this::addAll);
            return "on: /metrics, and /server/metrics where the server shows its own";
        } catch (IllegalStateException e) { // two servers in one process, each with a plugin
            return "on: shared with another Greenroom in this process (" + e.getMessage() + ")";
        } catch (LinkageError e) {
            registry = null;
            logger.warn("No Prometheus: the server's library is not one that fits (1.3 does)", e);
            return "off: the server's Prometheus library is not one that fits: " + e;
        }
    }

    @Override
    public String name() {
        return "prometheus";
    }

    @Override
    public boolean isOn() {
        return isConnected();
    }

    @Override
    public String state() {
        return state;
    }

    /** Whether there is anything to scrape. */
    public boolean isConnected() {
        return registry != null;
    }

    /** The type of what {@link #text} gives. */
    public static String contentType() {
        return Registry.CONTENT_TYPE;
    }

    /**
     * Our own series.
     *
     * @param names to choose from them, without the endings that types bring; empty for all
     * @return text format 0.0.4, in UTF-8
     * @throws IllegalStateException if there is no registry
     */
    public byte[] text(Set<String> names) {
        return scrape(name -> name.startsWith(PREFIX) && (names.isEmpty() || names.contains(name)));
    }

    /** All series of the process, ours and others'; as {@link #text}. */
    public byte[] textOfAll(Set<String> names) {
        return scrape(name -> names.isEmpty() || names.contains(name));
    }

    private byte[] scrape(Predicate<String> wanted) {
        Registry found = registry;
        if (found == null) {
            throw new IllegalStateException("Prometheus is " + state);
        }
        return found.text(wanted);
    }

    @Override
    public void accept(UsageRecord record) {
        hitRates.add(record);
    }

    @Override
    @PreDestroy
    public void close() {
        Runnable action = unregister;
        unregister = null;
        if (action != null) {
            action.run();
        }
    }

    /** On the thread of whoever scrapes. */
    private void addAll(Families families) {
        families.addInfo(Metric.BUILD, GreenroomVersion.current());
        int left = MAX_MODELS;
        int leftOut = 0;
        for (Map.Entry<String, MoeEngineModel> named : names.of(models.models()).entrySet()) {
            if (left == 0) {
                leftOut++;
            } else if (read(named.getKey(), named.getValue(), families)) {
                left--;
            }
        }
        families.add(Metric.MODELS_LEFT_OUT, leftOut);
        Set<String> told = new HashSet<>();
        for (SinkStatus sink : sinks.get()) {
            if (told.size() < MAX_SINKS && told.add(sink.name())) {
                families.add(Metric.SINK_DELIVERED, sink.delivered(), sink.name());
                families.add(Metric.SINK_FAILED, sink.failed(), sink.name());
                families.add(Metric.SINK_DROPPED, sink.dropped(), sink.name());
                families.add(Metric.SINK_QUEUED, sink.queued(), sink.name());
            }
        }
    }

    /** Returns whether the model is still there. */
    private boolean read(String name, MoeEngineModel model, Families families) {
        try {
            ModelSeries.read(name, model.moe(), families);
        } catch (IllegalStateException e) {
            return false; // it was closed meanwhile
        }
        hitRates.of(model.servedName(), clock.instant())
                .ifPresent(rate -> families.add(Metric.HIT_RATIO, rate, name));
        return true;
    }
}
