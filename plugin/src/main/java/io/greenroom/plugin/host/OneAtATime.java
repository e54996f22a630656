package io.greenroom.plugin.host;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Lets a connection's next request through only when the answer to the one before is complete, so
 * that pipelined requests cannot mix their answers. Reading never stops: otherwise a client that
 * leaves would not be noticed.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write closes the connection
final class OneAtATime extends ChannelDuplexHandler {

    /** More requests than this sent ahead are not a client but a flood. */
    private static final int MOST_WAITING = 8;

    private final Queue<FullHttpRequest> waiting = new ArrayDeque<>();
    private boolean busy;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof FullHttpRequest request)) {
            ctx.fireChannelRead(message);
        } else if (!busy) {
            begin(ctx, request);
        } else if (waiting.size() < MOST_WAITING) {
            waiting.add(request);
        } else {
            request.release();
            ctx.close();
        }
    }

    private void begin(ChannelHandlerContext ctx, FullHttpRequest request) {
        busy = true;
        Exchange.begin(ctx.channel(), request);
        ctx.fireChannelRead(request);
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        boolean last = message instanceof LastHttpContent;
        ctx.write(message, promise);
        if (last) {
            // After this write has unwound, or a request could begin inside another's answer.
            ctx.executor().execute(() -> next(ctx));
        }
    }

    private void next(ChannelHandlerContext ctx) {
        busy = false;
        FullHttpRequest request = waiting.poll();
        if (request != null) {
            if (ctx.channel().isActive()) {
                begin(ctx, request);
            } else {
                request.release();
            }
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws Exception {
        waiting.forEach(ReferenceCountUtil::release);
        waiting.clear();
        Exchange exchange = Exchange.of(ctx.channel());
        if (exchange != null) {
            exchange.cancel();
        }
        super.channelInactive(ctx);
    }
}
