package io.greenroom.plugin.host;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.PrematureChannelClosureException;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.io.IOException;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One station of the pipeline: it answers the requests it accepts, passes on the others, and turns
 * its own failures into answers.
 */
@SuppressWarnings("FutureReturnValueIgnored") // nobody waits for a close
abstract class Route extends ChannelInboundHandlerAdapter {

    private static final Logger logger = LoggerFactory.getLogger(Route.class);
    private static final Pattern SLASH = Pattern.compile("/");

    /** Whether this route answers the request. */
    abstract boolean accepts(FullHttpRequest request, String[] segments);

    /**
     * Answers, now or later, on the request's channel. Runs on the event loop.
     *
     * @param segments the path between slashes; the first is empty
     */
    abstract void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments);

    @Override
    public final void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof FullHttpRequest request)) {
            ctx.fireChannelRead(message);
            return;
        }
        try {
            if (!request.decoderResult().isSuccess()) {
                throw new HostException(
                        HttpResponseStatus.BAD_REQUEST,
                        "Invalid HTTP message: " + request.decoderResult().cause().getMessage());
            }
            QueryStringDecoder query = new QueryStringDecoder(request.uri());
            String[] segments = SLASH.split(query.path());
            if (accepts(request, segments)) {
                handle(ctx, request, query, segments);
            } else {
                ctx.fireChannelRead(request.retain());
            }
        } catch (RuntimeException e) {
            Answers.failure(ctx.channel(), e);
        } finally {
            request.release();
        }
    }

    @Override
    public final void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // Left within a request's body, or before the answer: clients do.
        if (cause instanceof IOException || cause instanceof PrematureChannelClosureException) {
            logger.debug("Connection to {} lost", ctx.channel().remoteAddress(), cause);
        } else {
            logger.error("Connection to {} failed", ctx.channel().remoteAddress(), cause);
        }
        ctx.close();
    }

    /** The segment at an index, or an empty string. */
    static String segment(String[] segments, int index) {
        return index < segments.length ? segments[index] : "";
    }
}
