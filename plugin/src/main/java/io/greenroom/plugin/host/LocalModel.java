package io.greenroom.plugin.host;

import ai.djl.inference.streaming.PublisherBytesSupplier;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.ndarray.BytesSupplier;
import io.greenroom.offload.decoder.LogitsEvaluator;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.protocol.text.ModelText;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A model loaded in this process without a server before it: the plugin and its engine as a host
 * has them, called directly.
 */
public final class LocalModel implements AutoCloseable {

    /** Requests the caller may have sent and not heard of. */
    private static final int QUEUE = 64;

    private final HostedModels models;
    private final HostedModel model;

    private LocalModel(HostedModels models, HostedModel model) {
        this.models = models;
        this.model = model;
    }

    /**
     * Loads a model.
     *
     * @throws HostException if it cannot be loaded; the message says why
     */
    public static LocalModel load(ModelDefinition definition) {
        HostedModels models = new HostedModels(QUEUE);
        try {
            PluginDiscovery.start(models);
            return new LocalModel(models, models.load(definition));
        } catch (RuntimeException | Error e) {
            models.close();
            throw e;
        }
    }

    /** What was loaded. */
    public MoeModel moe() {
        return HostBridge.moe(model)
                .orElseThrow(() -> new IllegalStateException("the model's engine is another"));
    }

    /** What it knows of text. */
    public ModelText text() {
        return HostBridge.text(model)
                .orElseThrow(() -> new IllegalStateException("the model's engine is another"));
    }

    /** Evaluates texts with it. */
    public LogitsEvaluator evaluator() {
        if (moe() instanceof LogitsEvaluator evaluator) {
            return evaluator;
        }
        throw new IllegalStateException("the model gives no logits");
    }

    /**
     * Sends a request as a client would and passes on the bytes of the answer, as they come;
     * returns at its end.
     *
     * @param json body of the request
     * @throws HostException if the model refuses the request
     */
    public void request(String json, Consumer<byte[]> answer) throws InterruptedException {
        Input input = new Input();
        input.addProperty("Content-Type", "application/json");
        input.add("data", json);
        Output output = await(input);
        BytesSupplier data = output.getData();
        if (data instanceof PublisherBytesSupplier publisher) {
            publisher
                    .subscribe(
                            bytes -> {
                                if (bytes != null) {
                                    answer.accept(bytes);
                                }
                            })
                    .join();
        } else if (data != null) {
            answer.accept(data.getAsBytes());
        }
    }

    private Output await(Input input) throws InterruptedException {
        try {
            return model.submit(input).get();
        } catch (ExecutionException e) {
            @Nullable Throwable cause = e.getCause();
            if (cause instanceof HostException refused) {
                throw refused;
            }
            throw new CompletionException(
                    cause == null ? String.valueOf(e) : cause.getMessage(), e);
        }
    }

    @Override
    public void close() {
        models.close();
    }
}
