package io.greenroom.plugin.engine;

import io.greenroom.plugin.config.PluginSettings;
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
 * @param random gives seeds; thread-safe
 * @param clock dates answers
 */
@Singleton
public record EngineServices(
        ModelLoader loader,
        ModelRegistry registry,
        PluginSettings settings,
        RandomGenerator random,
        Clock clock) {

    @Inject
    EngineServices(ModelLoader loader, ModelRegistry registry, PluginSettings settings) {
        this(loader, registry, settings, new SecureRandom(), Clock.systemUTC());
    }
}
