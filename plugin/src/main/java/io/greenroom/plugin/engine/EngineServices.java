package io.greenroom.plugin.engine;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.heat.HeatKeeper;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.random.RandomGenerator;

/**
 * What every model of the engine works with.
 *
 * @param loader opens checkpoints
 * @param registry of loaded models
 * @param settings of the plugin
 * @param heat begins models warm and keeps what they tell the next
 * @param random gives seeds; thread-safe
 * @param clock dates answers
 */
@Singleton
public record EngineServices(
        ModelLoader loader,
        ModelRegistry registry,
        PluginSettings settings,
        HeatKeeper heat,
        RandomGenerator random,
        Clock clock) {

    @Inject
    EngineServices(
            ModelLoader loader, ModelRegistry registry, PluginSettings settings, HeatKeeper heat) {
        this(loader, registry, settings, heat, new SecureRandom(), Clock.systemUTC());
    }
}
