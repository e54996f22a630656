package io.greenroom.plugin.engine;

import ai.djl.Device;
import ai.djl.inference.Predictor;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.translate.TranslateException;
import java.util.ArrayList;
import java.util.List;

/**
 * Hands requests to the model's scheduler. It ignores translators, which the server looks for where
 * a plugin's are not found, and lets nothing out but {@link TranslateException}: any other
 * exception would end the server's worker.
 */
final class MoePredictor<I, O> extends Predictor<I, O> {

    private final MoeEngineModel served;

    MoePredictor(MoeEngineModel model, Device device) {
        super(model, null, device, false);
        this.served = model;
    }

    @Override
    @SuppressWarnings("unchecked") // the server asks for Input to Output, and so does the check
    public List<O> batchPredict(List<I> inputs) throws TranslateException {
        List<O> outputs = new ArrayList<>(inputs.size());
        for (I input : inputs) {
            if (!(input instanceof Input request)) {
                throw new TranslateException(
                        "A model of engine "
                                + MoeEngine.NAME
                                + " takes "
                                + Input.class.getName()
                                + " and gives "
                                + Output.class.getName());
            }
            outputs.add((O) served.answer(request));
        }
        return outputs;
    }
}
