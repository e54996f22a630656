package io.greenroom.plugin.engine;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.util.passthrough.PassthroughNDManager;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/**
 * The DJL engine "MoE". It has no arrays of its own and claims no capability: models are loaded
 * once, on "cpu", whatever devices the machine has.
 */
@Singleton
public final class MoeEngine extends Engine {

    /** What {@code engine=} names in serving.properties. */
    public static final String NAME = "MoE";

    /** Behind every other engine: this one is only ever used by name. */
    static final int RANK = 100;

    private final EngineServices services;

    @Inject
    public MoeEngine(EngineServices services) {
        this.services = services;
    }

    @Override
    public @Nullable Engine getAlternativeEngine() {
        return null;
    }

    @Override
    public String getEngineName() {
        return NAME;
    }

    @Override
    public int getRank() {
        return RANK;
    }

    @Override
    public String getVersion() {
        return GreenroomVersion.current();
    }

    @Override
    public boolean hasCapability(String capability) {
        return false;
    }

    @Override
    public Model newModel(String name, @Nullable Device device) {
        return new MoeEngineModel(name, newBaseManager(device), services);
    }

    @Override
    public NDManager newBaseManager() {
        return newBaseManager(null);
    }

    @Override
    public NDManager newBaseManager(@Nullable Device device) {
        return new PassthroughNDManager(this, device == null ? Device.cpu() : device);
    }

    @Override
    public String toString() {
        return NAME + ":" + getVersion();
    }
}
