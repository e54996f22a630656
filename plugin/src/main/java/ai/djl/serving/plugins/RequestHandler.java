package ai.djl.serving.plugins;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;

/**
 * What DJL Serving asks of a plugin's request handler, declared here because the server's own jar
 * is not in every package registry. Compiled against, and kept out of the plugin's jar: inside the
 * server its own declaration is the one that counts.
 *
 * @param <T> what {@link #handleRequest} answers; null if the handler answers on the channel itself
 */
public interface RequestHandler<T> {

    /** Whether this handler takes the message. Called twice for every request on its connector. */
    boolean acceptInboundMessage(Object msg);

    /** Handles a request, on the event loop. */
    T handleRequest(
            ChannelHandlerContext ctx,
            FullHttpRequest req,
            QueryStringDecoder decoder,
            String[] segments);
}
