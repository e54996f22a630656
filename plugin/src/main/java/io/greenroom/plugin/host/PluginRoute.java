package io.greenroom.plugin.host;

import ai.djl.serving.plugins.RequestHandler;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Offers each request to the plugins first. A plugin may answer on the channel itself, return an
 * object or a future of one to be sent as JSON, or fire the request on to the routes behind.
 */
@Sharable
final class PluginRoute extends Route {

    private final List<RequestHandler<?>> handlers;

    PluginRoute(List<RequestHandler<?>> handlers) {
        this.handlers = List.copyOf(handlers);
    }

    @Override
    boolean accepts(FullHttpRequest request, String[] segments) {
        return handlers.stream().anyMatch(handler -> handler.acceptInboundMessage(request));
    }

    @Override
    void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        for (RequestHandler<?> handler : handlers) {
            if (handler.acceptInboundMessage(request)) {
                answer(ctx, handler.handleRequest(ctx, request, query, segments));
                return;
            }
        }
        throw new HostException(
                HttpResponseStatus.BAD_REQUEST, "The plugin no longer accepts this request");
    }

    private static void answer(ChannelHandlerContext ctx, Object result) {
        if (result instanceof CompletionStage<?> stage) {
            stage.whenComplete(
                    (value, failure) -> {
                        if (failure != null) {
                            Answers.failure(ctx.channel(), failure);
                        } else {
                            Answers.json(ctx.channel(), HttpResponseStatus.OK, value);
                        }
                    });
        } else if (result != null) {
            Answers.json(ctx.channel(), HttpResponseStatus.OK, result);
        }
    }
}
