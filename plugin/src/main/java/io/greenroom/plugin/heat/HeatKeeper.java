package io.greenroom.plugin.heat;

import io.greenroom.cache.heat.HeatMeter;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.plugin.config.HostName;
import io.greenroom.plugin.config.PluginSettings;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the heat of all models: reads it when one is loaded, watches it while the model serves, and
 * writes it when it has changed and when the model is unloaded. Writing happens on a thread of its
 * own; serving only counts. Thread-safe.
 */
@Singleton
public final class HeatKeeper implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(HeatKeeper.class);

    private final HeatSettings settings;
    private final List<HeatStore> stores;
    private final Clock clock;
    private final List<ModelHeat> models = new CopyOnWriteArrayList<>();
    private @Nullable ScheduledExecutorService timer;
    private boolean closed;

    @Inject
    HeatKeeper(PluginSettings settings, @Any Instance<HeatStore> stores) {
        this(
                HeatSettings.of(settings),
                StreamSupport.stream(stores.spliterator(), false).filter(HeatStore::isOn).toList(),
                Clock.systemUTC());
    }

    HeatKeeper(HeatSettings settings, List<HeatStore> stores, Clock clock) {
        this.settings = settings;
        this.stores = stores;
        this.clock = clock;
    }

    /** One that keeps nothing. */
    public static HeatKeeper none(PluginSettings settings) {
        return new HeatKeeper(HeatSettings.of(settings), List.of(), Clock.systemUTC());
    }

    /**
     * Begins to keep a model's heat. Does nothing yet that takes time but to read the checkpoint's
     * fingerprint.
     *
     * @param name the name clients use, now or later
     */
    public WarmStart keep(Supplier<String> name, MoeModel model) {
        if (stores.isEmpty()) {
            return WarmStart.NONE;
        }
        ModelHeat heat;
        try {
            ModelSpec spec = model.checkpoint().spec();
            heat =
                    new ModelHeat(
                            name,
                            model,
                            Fingerprint.of(model.checkpoint()),
                            HostName.local(),
                            clock,
                            new HeatMeter(
                                    spec.layers(),
                                    spec.experts(),
                                    spec.expertsPerToken(),
                                    HeatMeter.HALF_LIFE_TOKENS));
        } catch (CheckpointException e) {
            logger.warn(
                    "Model {} begins cold, and its heat is not kept: {}", name.get(), e.toString());
            return WarmStart.NONE;
        }
        models.add(heat);
        startTimer();
        return new StoredWarmStart(heat, model, stores, settings, () -> end(heat));
    }

    private synchronized void startTimer() {
        if (timer == null && settings.publish() && !closed) {
            timer =
                    Executors.newSingleThreadScheduledExecutor(
                            task -> {
                                Thread thread = new Thread(task, "greenroom-heat");
                                thread.setDaemon(true);
                                return thread;
                            });
            long nanos = settings.interval().toNanos();
            var unused =
                    timer.scheduleWithFixedDelay(this::look, nanos, nanos, TimeUnit.NANOSECONDS);
        }
    }

    /** Looks at all models once. */
    void look() {
        for (ModelHeat heat : models) {
            try {
                heat.look(stores);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (RuntimeException e) { // the next look gets its chance
                logger.warn("The heat of a model was not looked at", e);
            }
        }
    }

    private void end(ModelHeat heat) {
        try {
            if (settings.publish()) {
                heat.end(stores);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            logger.warn("The last heat of a model was not kept", e);
        } finally {
            models.remove(heat); // not before: close waits for who is still writing
        }
    }

    /** Writes what is left and closes the stores. Closing twice is harmless. */
    @Override
    public void close() {
        ScheduledExecutorService executor;
        synchronized (this) {
            executor = timer;
            timer = null;
            if (closed) {
                return;
            }
            closed = true;
        }
        if (executor != null) {
            executor.shutdown();
        }
        models.forEach(this::end);
        for (HeatStore store : stores) {
            try {
                store.close();
            } catch (RuntimeException e) {
                logger.warn("The {} did not close cleanly", store.name(), e);
            }
        }
    }
}
