package io.greenroom.plugin.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** {@code GET /moe/dashboard}: the page for hosts. */
@Singleton
final class DashboardRoute implements Route {

    private static final String PATH = "/moe/dashboard";

    private final ServerLink link;
    private final DashboardPage page;

    @Inject
    DashboardRoute(ServerLink link) {
        this.link = link;
        this.page = DashboardPage.read();
    }

    @Override
    public boolean accepts(FullHttpRequest request, String path) {
        return link.bridge().isPresent() && path.equals(PATH);
    }

    @Override
    public void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        ServerBridge server = link.bridge().orElseThrow();
        server.send(
                ctx,
                HttpMethod.GET.equals(request.method())
                        ? answer()
                        : Replies.onlyGet(request.method()));
    }

    private FullHttpResponse answer() {
        FullHttpResponse response = Replies.of(HttpResponseStatus.OK, page.html());
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "text/html; charset=utf-8")
                .set(HttpHeaderNames.CONTENT_SECURITY_POLICY, page.securityPolicy())
                .set(HttpHeaderNames.X_FRAME_OPTIONS, "DENY")
                .set("X-Content-Type-Options", "nosniff")
                .set("Referrer-Policy", "no-referrer");
        return response;
    }
}
