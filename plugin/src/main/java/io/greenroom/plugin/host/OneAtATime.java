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
        if (ctx.channel().isActive()) {
            Exchange.begin(ctx.channel(), request);
            ctx.fireChannelRead(request);
        } else {
            request.release();
        }
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (message instanceof LastHttpContent) {
            ctx.write(message, promise.unvoid().addListener(sent -> next(ctx)));
        } else {
            ctx.write(message, promise);
        }
    }

    private void next(ChannelHandlerContext ctx) {
        Exchange exchange = Exchange.of(ctx.channel());
        if (exchange != null) {
            exchange.answered().complete(null);
        }
        if (exchange == null || !exchange.keepAlive()) {
            ctx.close();
            return;
        }
        busy = false;
        FullHttpRequest request = waiting.poll();
        if (request != null) {
            // Not from within the write that ends the answer before.
            ctx.executor().execute(() -> begin(ctx, request));
            busy = true;
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
