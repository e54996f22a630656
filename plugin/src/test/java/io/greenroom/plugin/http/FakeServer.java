package io.greenroom.plugin.http;

import ai.djl.Device;
import ai.djl.inference.Predictor;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.translate.TranslateException;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpResponse;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A server with some models, ours and others', whose queue a test controls. */
final class FakeServer implements ServerBridge {

    private final Map<String, MoeEngineModel> ours = new LinkedHashMap<>();
    private final List<String> others = new ArrayList<>();
    private final List<Runnable> queue = new ArrayList<>();
    private @Nullable String startup;
    private @Nullable RefusedException refusal;
    private boolean held;
    private boolean onDemand;
    private boolean managementApart;
    private boolean metrics = true;

    FakeServer with(String name, MoeEngineModel model) {
        ours.put(name, model);
        return this;
    }

    FakeServer withOther(String name) {
        others.add(name);
        return this;
    }

    FakeServer startingWith(String name) {
        startup = name;
        return this;
    }

    FakeServer loadingOnDemand() {
        onDemand = true;
        return this;
    }

    void refuseWith(RefusedException failure) {
        refusal = failure;
    }

    /** Keeps requests in the queue until {@link #work}. */
    void hold() {
        held = true;
    }

    void work() {
        List.copyOf(queue).forEach(Runnable::run);
        queue.clear();
    }

    @Override
    public List<ServedModel> models() {
        return ours.entrySet().stream()
                .map(entry -> new ServedModel(entry.getKey(), null, entry.getValue()))
                .toList();
    }

    @Override
    public Optional<ServedModel> find(String name, @Nullable String version) {
        return models().stream()
                .filter(model -> model.name().equals(name) && version == null)
                .findFirst();
    }

    @Override
    public boolean isRegistered(String name) {
        return ours.containsKey(name) || others.contains(name);
    }

    /** As if the management address were another than that for inference. */
    FakeServer withManagementApart() {
        managementApart = true;
        return this;
    }

    /** As if the server had no metrics of its own. */
    FakeServer withoutMetrics() {
        metrics = false;
        return this;
    }

    @Override
    public boolean showsMetrics() {
        return metrics;
    }

    @Override
    public boolean servesInference(SocketAddress localAddress) {
        return !managementApart;
    }

    @Override
    public Optional<String> defaultModel() {
        return Optional.ofNullable(startup);
    }

    @Override
    public boolean loadsOnDemand() {
        return onDemand;
    }

    @Override
    public CompletableFuture<Output> predict(String name, @Nullable String version, Input input) {
        CompletableFuture<Output> answer = new CompletableFuture<>();
        Runnable job =
                () -> {
                    if (refusal != null) {
                        answer.completeExceptionally(refusal);
                    } else if (!input.isCancelled()) {
                        answer.complete(run(name, input));
                    }
                };
        if (held) {
            queue.add(job);
        } else {
            job.run();
        }
        return answer;
    }

    private Output run(String name, Input input) {
        MoeEngineModel model = java.util.Objects.requireNonNull(ours.get(name));
        try (Predictor<Input, Output> predictor = model.newPredictor(null, Device.cpu())) {
            return predictor.predict(input);
        } catch (TranslateException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public String requestId(Channel channel) {
        return "request-1";
    }

    @Override
    public void send(ChannelHandlerContext ctx, HttpResponse response) {
        ctx.writeAndFlush(response);
    }
}
