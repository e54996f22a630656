package io.greenroom.plugin;

import ai.djl.engine.Engine;
import io.greenroom.plugin.engine.GreenroomVersion;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineProvider;
import io.greenroom.plugin.heat.HeatKeeper;
import io.greenroom.plugin.http.EventStreams;
import io.greenroom.plugin.jmx.ModelBeans;
import io.greenroom.plugin.telemetry.UsageReporter;
import org.jboss.weld.environment.se.WeldContainer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The plugin in a running process: its beans, and the engine made known to DJL. */
public final class Plugin {

    private static final Logger logger = LoggerFactory.getLogger(Plugin.class);

    private final WeldContainer container;

    private Plugin(WeldContainer container) {
        this.container = container;
    }

    /**
     * Starts the plugin. Its models are closed when the process ends; the server does not do that.
     *
     * @throws RuntimeException if a setting is wrong or a bean cannot be made; the server then does
     *     not start
     */
    public static Plugin start() {
        Plugin plugin = new Plugin(Beans.start(Plugin.class.getClassLoader()));
        Engine.registerEngine(plugin.get(MoeEngineProvider.class));
        ModelRegistry models = plugin.get(ModelRegistry.class);
        UsageReporter telemetry = plugin.get(UsageReporter.class);
        HeatKeeper heat = plugin.get(HeatKeeper.class);
        EventStreams pages = plugin.get(EventStreams.class);
        telemetry.start();
        plugin.get(ModelBeans.class).start();
        Runtime.getRuntime()
                .addShutdownHook(
                        new Thread(
                                () -> {
                                    pages.close();
                                    models.closeAll();
                                    heat.close();
                                    telemetry.close();
                                },
                                "greenroom-shutdown"));
        logger.info("Greenroom {}: engine {} is ready", GreenroomVersion.current(), MoeEngine.NAME);
        return plugin;
    }

    /** The one bean of a type. */
    public <T> T get(Class<T> type) {
        return container.select(type).get();
    }
}
