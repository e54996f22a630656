package io.greenroom.plugin.engine;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineProvider;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/**
 * Makes the engine known to DJL. Registered in code with {@link
 * Engine#registerEngine(EngineProvider)}: a service file in a plugin's jar is not found there.
 */
@Singleton
public final class MoeEngineProvider implements EngineProvider {

    private final MoeEngine engine;

    @Inject
    public MoeEngineProvider(MoeEngine engine) {
        this.engine = engine;
    }

    @Override
    public String getEngineName() {
        return MoeEngine.NAME;
    }

    @Override
    public int getEngineRank() {
        return MoeEngine.RANK;
    }

    @Override
    public Engine getEngine() {
        return engine;
    }
}
