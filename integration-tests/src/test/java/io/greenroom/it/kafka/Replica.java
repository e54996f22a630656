package io.greenroom.it.kafka;

import ai.djl.Model;
import io.greenroom.offload.decoder.LogitsEvaluator;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.Beans;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.heat.HeatKeeper;
import io.greenroom.plugin.telemetry.UsageReporter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.jboss.weld.environment.se.Weld;
import org.jboss.weld.environment.se.WeldContainer;

/** A plugin with one model, in this JVM, without a server: all its beans, as they are wired. */
final class Replica implements AutoCloseable {

    private final WeldContainer container;
    private final MoeEngineModel model;
    private final Map<String, String> settings;

    /**
     * Starts it and loads a model.
     *
     * @param settings of the plugin, as system properties while it lives
     */
    Replica(Path checkpoint, Map<String, String> settings) throws Exception {
        this.settings = settings;
        settings.forEach(System::setProperty);
        container =
                new Weld()
                        .disableDiscovery()
                        .skipShutdownHook()
                        .addBeanClasses(Beans.classes().toArray(Class[]::new))
                        .initialize();
        container.select(UsageReporter.class).get().start();
        Model loaded = container.select(MoeEngine.class).get().newModel("tiny", null);
        loaded.load(checkpoint, null, Map.of("expert_budget", "50%", "prefetch", "off"));
        model = (MoeEngineModel) loaded;
    }

    MoeModel moe() {
        return model.moe();
    }

    /** Reads so many texts of 60 random tokens. */
    void read(int texts) {
        int vocabulary = moe().checkpoint().spec().vocabulary();
        for (int seed = 0; seed < texts; seed++) {
            int[] text = new Random(seed).ints(60, 0, vocabulary).toArray();
            ((LogitsEvaluator) moe()).evaluate(text);
        }
    }

    /** What a server does when it ends. */
    @Override
    public void close() {
        container.select(ModelRegistry.class).get().closeAll();
        container.select(HeatKeeper.class).get().close();
        container.select(UsageReporter.class).get().close();
        container.shutdown();
        settings.keySet().forEach(System::clearProperty);
    }
}
