package io.greenroom.plugin.engine;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.heat.HeatKeeper;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.random.RandomGenerator;

/** Engines and models for tests. */
public final class Models {

    public static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);

    private Models() {}

    /** A fixed clock and fixed seeds. */
    public static EngineServices services(ModelLoader loader) throws Exception {
        PluginSettings settings = new PluginSettings();
        return services(loader, settings, HeatKeeper.none(settings));
    }

    /** A fixed clock and fixed seeds, with heat. */
    public static EngineServices services(
            ModelLoader loader, PluginSettings settings, HeatKeeper heat) {
        RandomGenerator seeds = () -> 42;
        return new EngineServices(
                loader,
                new ModelRegistry(),
                settings,
                heat,
                seeds,
                Clock.fixed(NOW, ZoneOffset.UTC));
    }

    /** A DJL model over a fake one, registered as "demo". */
    public static MoeEngineModel loaded(FakeMoeModel fake, Path folder) throws Exception {
        MoeEngine engine = new MoeEngine(services((path, options) -> fake));
        MoeEngineModel model = (MoeEngineModel) engine.newModel("folder", null);
        model.load(folder, null, Map.of());
        model.setProperty("metric_dimension", "demo");
        return model;
    }
}
