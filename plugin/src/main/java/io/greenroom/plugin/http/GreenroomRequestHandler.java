package io.greenroom.plugin.http;

import ai.djl.engine.Engine;
import ai.djl.serving.plugins.RequestHandler;
import io.greenroom.plugin.engine.GreenroomVersion;
import io.greenroom.plugin.engine.ModelRegistry;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineProvider;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the plugin exports to the server: constructing it makes the engine known, and requests that
 * are ours come through it.
 */
public final class GreenroomRequestHandler implements RequestHandler<Object> {

    private static final Logger logger = LoggerFactory.getLogger(GreenroomRequestHandler.class);

    private volatile @Nullable ServerBridge bridge;

    public GreenroomRequestHandler() {
        Engine.registerEngine(
                new MoeEngineProvider(
                        new MoeEngine(
                                (path, options) -> {
                                    throw new IOException("No decoder for " + path);
                                },
                                new ModelRegistry())));
        logger.info("Greenroom {}: engine {} is ready", GreenroomVersion.current(), MoeEngine.NAME);
    }

    /** Connects the plugin to a server other than DJL Serving, before the first request. */
    public void setServerBridge(ServerBridge bridge) {
        this.bridge = bridge;
    }

    @Override
    public boolean acceptInboundMessage(Object msg) {
        return bridge != null
                && msg instanceof FullHttpRequest request
                && request.uri().startsWith("/v1/models");
    }

    @Override
    public @Nullable Object handleRequest(
            ChannelHandlerContext ctx,
            FullHttpRequest req,
            QueryStringDecoder decoder,
            String[] segments) {
        throw new IllegalStateException("Not served: " + req.uri());
    }
}
