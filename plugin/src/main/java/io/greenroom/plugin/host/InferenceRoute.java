package io.greenroom.plugin.host;

import ai.djl.modality.Input;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** {@code /ping} and the paths that run a model, as the server has them. */
@SuppressWarnings("FutureReturnValueIgnored") // the answer carries the failure
@Sharable
final class InferenceRoute extends Route {

    private final HostedModels models;

    InferenceRoute(HostedModels models) {
        this.models = models;
    }

    @Override
    boolean accepts(FullHttpRequest request, String[] segments) {
        return switch (segment(segments, 1)) {
            case "ping", "invocations", "predictions" -> true;
            case "v1" ->
                    segment(segments, 2).equals("chat")
                            && segment(segments, 3).equals("completions");
            case "models" -> segments.length > 3 && segments[segments.length - 1].equals("invoke");
            default -> false;
        };
    }

    @Override
    void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        if (segments[1].equals("ping")) {
            ping(ctx.channel());
            return;
        }
        if (request.method().equals(HttpMethod.OPTIONS)) {
            Answers.json(ctx.channel(), HttpResponseStatus.OK, Map.of());
            return;
        }
        Input input = InputParser.parse(request, query);
        String inPath =
                switch (segments[1]) {
                    case "predictions", "models" -> segment(segments, 2);
                    default -> null;
                };
        run(ctx.channel(), modelName(inPath, query, input), input);
    }

    private String modelName(@Nullable String inPath, QueryStringDecoder query, Input input) {
        if (inPath != null && !inPath.isEmpty()) {
            return inPath;
        }
        List<String> inQuery = query.parameters().getOrDefault("model_name", List.of());
        if (!inQuery.isEmpty() && !inQuery.get(0).isEmpty()) {
            return inQuery.get(0);
        }
        String name = input.getProperty("model_name", null);
        if (name == null && input.getContent().contains("model_name")) {
            name = input.getAsString("model_name");
        }
        if (name != null) {
            return name;
        }
        return models.onlyStartupModel()
                .orElseThrow(
                        () ->
                                new HostException(
                                        HttpResponseStatus.BAD_REQUEST,
                                        "Parameter model_name is required."));
    }

    private void run(Channel channel, String name, Input input) {
        HostedModel model = models.get(name).orElseThrow(() -> HostedModels.notFound(name));
        Exchange exchange = Exchange.of(channel);
        if (exchange != null) {
            input.addProperty("requestId", exchange.requestId());
            exchange.given(input);
        }
        model.submit(input)
                .whenComplete(
                        (output, failure) -> {
                            if (failure != null) {
                                Answers.failure(channel, failure);
                            } else {
                                Answers.output(channel, output);
                            }
                        });
    }

    /** 200 while every model is well, 500 when one has declared itself failed. */
    private void ping(Channel channel) {
        Map<String, Map<String, String>> states = new TreeMap<>();
        boolean healthy = true;
        for (HostedModel model : models.all()) {
            healthy &= model.healthy();
            states.put(
                    model.definition().name(),
                    Map.of("status", model.healthy() ? "Healthy" : "FAILED"));
        }
        Answers.json(
                channel,
                healthy ? HttpResponseStatus.OK : HttpResponseStatus.INTERNAL_SERVER_ERROR,
                states);
    }
}
