package io.greenroom.plugin.engine;

import ai.djl.Device;
import ai.djl.inference.Predictor;
import ai.djl.translate.TranslateException;
import java.util.List;

/** Turns requests into generations; see {@link #batchPredict}. */
final class MoePredictor<I, O> extends Predictor<I, O> {

    MoePredictor(MoeEngineModel model, Device device) {
        super(model, null, device, false);
    }

    @Override
    public List<O> batchPredict(List<I> inputs) throws TranslateException {
        throw new TranslateException("Model " + model.getName() + " is not loaded");
    }
}
