package io.greenroom.plugin.telemetry;

import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.plugin.config.HostName;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.telemetry.kafka.KafkaBeans;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns the models' counters into records at intervals, and hands them to every sink. All of it
 * happens on threads of its own; decoding only counts.
 */
@Singleton
public final class UsageReporter implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(UsageReporter.class);

    /** Records that may wait for one sink: some minutes of a few models. */
    private static final int QUEUE = 1024;

    private final Supplier<List<Source>> models;
    private final Clock clock;
    private final Duration interval;
    private final RefusedSinks refused;
    private final List<SinkLane> lanes = new ArrayList<>();
    private final Map<MoeModel, UsageMeter> meters = new IdentityHashMap<>();
    private @Nullable ScheduledExecutorService timer;

    /**
     * A model whose usage is reported.
     *
     * @param name the name clients use
     * @param loadedAt since when its counters count
     */
    public record Source(String name, MoeModel model, Instant loadedAt) {}

    @Inject
    UsageReporter(
            ModelRegistry models,
            PluginSettings settings,
            @Any Instance<UsageSink> sinks,
            RefusedSinks refused) {
        this(
                () -> models.models().stream().flatMap(UsageReporter::source).toList(),
                settings.telemetryInterval(),
                Clock.systemUTC(),
                sinks.handlesStream().map(UsageReporter::sink).toList(),
                refused);
    }

    /** Ours are made here and now; an operator's is made by its own thread, whatever that takes. */
    private static UsageSink sink(Instance.Handle<UsageSink> handle) {
        Class<?> type = handle.getBean().getBeanClass();
        return TelemetryBeans.CLASSES.contains(type) || KafkaBeans.CLASSES.contains(type)
                ? handle.get()
                : new GuardedSink(type.getName(), handle::get, System::nanoTime);
    }

    /**
     * @param models that are loaded now; asked at every report
     * @param interval between reports
     */
    public UsageReporter(
            Supplier<List<Source>> models,
            Duration interval,
            Clock clock,
            Iterable<? extends UsageSink> sinks) {
        this(models, interval, clock, sinks, new RefusedSinks());
    }

    private UsageReporter(
            Supplier<List<Source>> models,
            Duration interval,
            Clock clock,
            Iterable<? extends UsageSink> sinks,
            RefusedSinks refused) {
        this.refused = refused;
        this.models = models;
        this.interval = interval;
        this.clock = clock;
        for (UsageSink sink : sinks) {
            lanes.add(new SinkLane(sink, QUEUE, Thread::new));
        }
    }

    /** Begins reporting; called once. */
    public synchronized void start() {
        ScheduledExecutorService executor =
                Executors.newSingleThreadScheduledExecutor(
                        task -> {
                            Thread thread = new Thread(task, "greenroom-telemetry");
                            thread.setDaemon(true);
                            return thread;
                        });
        timer = executor;
        var unused =
                executor.scheduleWithFixedDelay(
                        this::tick, interval.toNanos(), interval.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** What became of the records of each sink; those that could not be added come last. */
    public List<SinkStatus> sinks() {
        return Stream.concat(lanes.stream().map(SinkLane::status), refused.statuses().stream())
                .toList();
    }

    private void tick() {
        try {
            report();
        } catch (RuntimeException | Error e) { // the next interval gets its chance
            logger.warn("Telemetry missed an interval", e);
        }
    }

    /** Reads all models once, as the timer does. */
    public synchronized void report() {
        List<Source> loaded = models.get();
        for (Source source : loaded) {
            UsageMeter known = meters.get(source.model());
            if (known != null) {
                known.named(source.name());
                continue;
            }
            UsageMeter meter = meter(source);
            if (meter != null) {
                meters.put(source.model(), meter);
            }
        }
        for (Iterator<Map.Entry<MoeModel, UsageMeter>> i = meters.entrySet().iterator();
                i.hasNext(); ) {
            Map.Entry<MoeModel, UsageMeter> entry = i.next();
            read(entry.getValue());
            if (loaded.stream().noneMatch(source -> source.model() == entry.getKey())) {
                i.remove(); // that was its last record
            }
        }
    }

    private static Stream<Source> source(MoeEngineModel model) {
        try {
            return Stream.of(new Source(model.servedName(), model.moe(), model.loadedAt()));
        } catch (IllegalStateException e) {
            return Stream.of(); // it was closed meanwhile
        }
    }

    private void read(UsageMeter meter) {
        meter.read(clock.instant())
                .ifPresent(
                        record -> {
                            for (SinkLane lane : lanes) {
                                lane.offer(record);
                            }
                        });
    }

    private static @Nullable UsageMeter meter(Source source) {
        try {
            UsageRecord.Origin origin =
                    new UsageRecord.Origin(
                            source.name(),
                            Fingerprint.of(source.model().checkpoint()),
                            HostName.local(),
                            UUID.randomUUID().toString(),
                            source.model().checkpoint().spec().expertsPerToken());
            return new UsageMeter(origin, source.model(), source.loadedAt());
        } catch (CheckpointException e) {
            logger.warn("No telemetry of model {} yet", source.name(), e);
            return null;
        }
    }

    /** Reports what is left and closes the sinks. Closing twice is harmless. */
    @Override
    public void close() {
        ScheduledExecutorService executor;
        synchronized (this) {
            executor = timer;
            timer = null;
        }
        if (executor != null) {
            executor.shutdown();
            tick();
        }
        lanes.forEach(SinkLane::close);
    }
}
