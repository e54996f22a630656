package io.greenroom.plugin.host;

import ai.djl.BaseModel;
import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineProvider;
import ai.djl.inference.Predictor;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.ndarray.NDManager;
import ai.djl.translate.TranslateException;
import ai.djl.translate.Translator;
import ai.djl.util.passthrough.PassthroughNDManager;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A DJL engine whose models do what a test tells them to. */
final class ScriptedEngine extends Engine {

    static final String NAME = "Scripted";

    /** What a model of a given folder name does with one request. */
    interface Script {
        Output answer(Input input) throws TranslateException, InterruptedException;
    }

    private static final Map<String, Script> scripts = new ConcurrentHashMap<>();
    private static final Map<String, ScriptedModel> loaded = new ConcurrentHashMap<>();

    /** Sets what models loaded from folders of this name do. */
    static void script(String folder, Script script) {
        register();
        scripts.put(folder, script);
    }

    /** The model loaded last from a folder of this name. */
    static ScriptedModel model(String folder) {
        return loaded.get(folder);
    }

    static void register() {
        ScriptedEngine engine = new ScriptedEngine();
        Engine.registerEngine(
                new EngineProvider() {
                    @Override
                    public String getEngineName() {
                        return NAME;
                    }

                    @Override
                    public int getEngineRank() {
                        return 200;
                    }

                    @Override
                    public Engine getEngine() {
                        return engine;
                    }
                });
    }

    @Override
    public Engine getAlternativeEngine() {
        return null;
    }

    @Override
    public String getEngineName() {
        return NAME;
    }

    @Override
    public int getRank() {
        return 200;
    }

    @Override
    public String getVersion() {
        return "test";
    }

    @Override
    public boolean hasCapability(String capability) {
        return false;
    }

    @Override
    public Model newModel(String name, Device device) {
        return new ScriptedModel(name, newBaseManager(device));
    }

    @Override
    public NDManager newBaseManager() {
        return newBaseManager(Device.cpu());
    }

    @Override
    public NDManager newBaseManager(Device device) {
        return new PassthroughNDManager(this, device);
    }

    /** Remembers how it was loaded. */
    static final class ScriptedModel extends BaseModel {

        Map<String, ?> options = Map.of();
        Map<String, String> propertiesAtLoad = Map.of();
        Runnable onClose = () -> {};
        volatile boolean closed;

        ScriptedModel(String name, NDManager manager) {
            super(name);
            this.manager = manager;
        }

        @Override
        public void load(Path path, String prefix, Map<String, ?> loadOptions)
                throws IOException, MalformedModelException {
            modelDir = path;
            options = Map.copyOf(loadOptions);
            propertiesAtLoad = Map.copyOf(getProperties());
            if (options.containsKey("broken")) {
                throw new MalformedModelException("option broken is set");
            }
            if (options.containsKey("unreadable")) {
                throw new IOException("option unreadable is set");
            }
            loaded.put(getName(), this);
        }

        @Override
        @SuppressWarnings("unchecked") // Input and Output are all the host asks for
        public <I, O> Predictor<I, O> newPredictor(Translator<I, O> translator, Device device) {
            return (Predictor<I, O>) new ScriptedPredictor(this, device);
        }

        @Override
        public void close() {
            closed = true;
            onClose.run();
            super.close();
        }
    }

    private static final class ScriptedPredictor extends Predictor<Input, Output> {

        ScriptedPredictor(Model model, Device device) {
            super(model, null, device, false);
        }

        @Override
        public List<Output> batchPredict(List<Input> inputs) throws TranslateException {
            Script script = scripts.get(model.getName());
            try {
                return List.of(script.answer(inputs.get(0)));
            } catch (InterruptedException e) {
                throw new IllegalStateException("interrupted", e);
            }
        }
    }
}
