package io.greenroom.plugin.host;

import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.translate.TranslateException;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.http.RefusedException;
import io.greenroom.plugin.http.ServedModel;
import io.greenroom.plugin.http.ServerBridge;
import io.greenroom.plugin.protocol.text.ModelText;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpResponse;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The embedded host as the plugin's request handlers see it. Models here have no versions. */
@SuppressWarnings("FutureReturnValueIgnored") // the answer carries the failure
final class HostBridge implements ServerBridge {

    private final HostedModels models;

    HostBridge(HostedModels models) {
        this.models = models;
    }

    @Override
    public List<ServedModel> models() {
        return models.all().stream().flatMap(model -> served(model).stream()).toList();
    }

    @Override
    public Optional<ServedModel> find(String name, @Nullable String version) {
        return models.get(name).flatMap(HostBridge::served);
    }

    private static Optional<ServedModel> served(HostedModel hosted) {
        return hosted.model() instanceof MoeEngineModel model
                ? Optional.of(new ServedModel(hosted.definition().name(), null, model))
                : Optional.empty();
    }

    /** What our engine loaded, if the model is of our engine. */
    static Optional<MoeModel> moe(HostedModel hosted) {
        return served(hosted).map(served -> served.model().moe());
    }

    /** What our engine knows of text, if the model is of our engine. */
    static Optional<ModelText> text(HostedModel hosted) {
        return served(hosted).map(served -> served.model().text());
    }

    @Override
    public boolean isRegistered(String name) {
        return models.get(name).isPresent();
    }

    @Override
    public Optional<String> defaultModel() {
        return models.onlyStartupModel();
    }

    @Override
    public boolean loadsOnDemand() {
        return false;
    }

    @Override
    public CompletableFuture<Output> predict(String name, @Nullable String version, Input input) {
        HostedModel model = models.get(name).orElse(null);
        if (model == null) {
            HostException unknown = HostedModels.notFound(name);
            return CompletableFuture.failedFuture(refused(unknown));
        }
        CompletableFuture<Output> answer = new CompletableFuture<>();
        model.submit(input)
                .whenComplete(
                        (output, failure) -> {
                            if (failure == null) {
                                answer.complete(output);
                            } else {
                                answer.completeExceptionally(refused(failure));
                            }
                        });
        return answer;
    }

    private static Throwable refused(Throwable failure) {
        String message = String.valueOf(failure.getMessage());
        if (failure instanceof HostException e) {
            return new RefusedException(e.status(), message, e);
        }
        if (failure instanceof TranslateException) {
            return new RefusedException(400, message, failure);
        }
        return failure;
    }

    /** Everything is on one address here. */
    @Override
    public boolean servesInference(SocketAddress localAddress) {
        return true;
    }

    /** The plugin answers in its place. */
    @Override
    public boolean showsMetrics() {
        return false;
    }

    @Override
    public String requestId(Channel channel) {
        Exchange exchange = Exchange.of(channel);
        if (exchange == null) {
            throw new IllegalStateException("No request is being handled on " + channel);
        }
        return exchange.requestId();
    }

    @Override
    public void send(ChannelHandlerContext ctx, HttpResponse response) {
        Answers.send(ctx.channel(), response);
    }
}
