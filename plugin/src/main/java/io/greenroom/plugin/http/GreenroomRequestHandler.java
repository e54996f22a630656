package io.greenroom.plugin.http;

import ai.djl.serving.plugins.RequestHandler;
import io.greenroom.plugin.Plugin;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;
import org.jspecify.annotations.Nullable;

/**
 * What the plugin exports to the server, which constructs one of it at its start. Constructing it
 * starts the plugin: the engine becomes known, and requests that are ours come through here. Called
 * from several event loops at once.
 */
public final class GreenroomRequestHandler implements RequestHandler<Object>, AutoCloseable {

    private final Routes routes;
    private final ServerLink link;
    private final EventStreams pages;

    public GreenroomRequestHandler() {
        Plugin plugin = Plugin.start();
        this.routes = plugin.get(Routes.class);
        this.link = plugin.get(ServerLink.class);
        this.pages = plugin.get(EventStreams.class);
        DjlServingBridge.connect(GreenroomRequestHandler.class.getClassLoader())
                .ifPresent(link::connect);
    }

    /** Connects the plugin to a server other than DJL Serving, before the first request. */
    public void setServerBridge(ServerBridge bridge) {
        link.connect(bridge);
    }

    @Override
    public boolean acceptInboundMessage(Object message) {
        return message instanceof FullHttpRequest request && routes.accepts(request);
    }

    @Override
    public @Nullable Object handleRequest(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        routes.handle(ctx, request, query, segments);
        // Null says to the server that the answer is on its way.
        return null;
    }

    /** Ends the streams of open pages; a server that closes need not wait for them. */
    @Override
    public void close() {
        pages.close();
    }
}
