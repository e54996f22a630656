package io.greenroom.plugin.host;

import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.Map;

/** What nobody else answered. */
@Sharable
final class LastRoute extends Route {

    @Override
    boolean accepts(FullHttpRequest request, String[] segments) {
        return true;
    }

    @Override
    void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        if (request.method().equals(HttpMethod.OPTIONS)) {
            Answers.json(ctx.channel(), HttpResponseStatus.OK, Map.of());
            return;
        }
        throw new HostException(
                HttpResponseStatus.NOT_FOUND,
                "Nothing here: "
                        + request.method()
                        + " "
                        + query.path()
                        + "; try /ping, /v1/models, /v1/chat/completions, /invocations,"
                        + " /predictions/{model}, /models or /moe/models");
    }
}
