package io.greenroom.plugin.host;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;

/**
 * Gathers a request's body up to a limit. A longer one is answered with 413 at once; what the
 * client still sends is read and thrown away, because closing under a sender would lose the answer.
 */
@SuppressWarnings("FutureReturnValueIgnored") // nobody waits for a close
final class BodyLimit extends HttpObjectAggregator {

    private boolean refused;

    BodyLimit(int maxBytes) {
        super(maxBytes);
    }

    @Override
    protected void handleOversizedMessage(ChannelHandlerContext ctx, HttpMessage oversized) {
        refused = true;
        String uri = oversized instanceof HttpRequest request ? request.uri() : "";
        String message =
                "The request body is longer than "
                        + maxContentLength()
                        + " bytes; send a shorter one";
        boolean mayHoldBack = HttpUtil.is100ContinueExpected(oversized);
        FullHttpResponse answer =
                Answers.error(
                        HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE,
                        "RequestTooLarge",
                        message,
                        uri.startsWith("/v1/"));
        // So that a client can tell the answer's end before it has sent the rest.
        HttpUtil.setContentLength(answer, answer.content().readableBytes());
        HttpUtil.setKeepAlive(answer, false);
        ctx.writeAndFlush(answer)
                .addListener(
                        mayHoldBack
                                ? ChannelFutureListener.CLOSE
                                : ChannelFutureListener.CLOSE_ON_FAILURE);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) throws Exception {
        boolean last = refused && message instanceof LastHttpContent;
        super.channelRead(ctx, message);
        if (last) {
            ctx.close();
        }
    }
}
