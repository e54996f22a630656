package io.greenroom.plugin.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;

/** Some URLs of the plugin. Thread-safe; runs on event loops, so nothing here may block. */
interface Route {

    /**
     * Whether the request is for this route. Asked twice for every request of the server, and has
     * to give the same answer.
     *
     * @param path of the URL, without the query
     */
    boolean accepts(FullHttpRequest request, String path);

    /** Answers the request, now or later, or passes it on. */
    void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments);
}
