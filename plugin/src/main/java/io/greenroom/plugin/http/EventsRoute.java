package io.greenroom.plugin.http;

import com.google.gson.JsonObject;
import io.greenroom.plugin.engine.GreenroomVersion;
import io.greenroom.plugin.protocol.ApiError;
import io.greenroom.plugin.protocol.Json;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * {@code GET /moe/events}: what the page shows, every second, as server-sent events, until the
 * client leaves. Never ends by itself unless the plugin does.
 */
@Singleton
final class EventsRoute implements Route {

    private static final String PATH = "/moe/events";

    private final ServerLink link;
    private final EventStreams streams;
    private final StateChanges changes;

    @Inject
    EventsRoute(ServerLink link, EventStreams streams, StateChanges changes) {
        this.link = link;
        this.streams = streams;
        this.changes = changes;
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
        if (!HttpMethod.GET.equals(request.method())) {
            server.send(ctx, Replies.onlyGet(request.method()));
            return;
        }
        SocketAddress address = ctx.channel().localAddress();
        EventClient client = new EventClient(ctx, greeting(changes.refusal(server, address)));
        if (!streams.join(client)) {
            server.send(ctx, Replies.error(full()));
            return;
        }
        server.send(ctx, head());
        streams.begin(client);
    }

    private static ApiError full() {
        return new ApiError(
                503,
                ApiError.OVERLOADED,
                "This server already sends events to "
                        + EventStreams.MOST
                        + " pages, which is the most it does; close one of them, or read GET"
                        + " /moe/models instead",
                null,
                "too_many_pages");
    }

    private static HttpResponse head() {
        HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        head.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8")
                .set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED)
                .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE)
                // A proxy that gathers answers would hold the news back.
                .set("X-Accel-Buffering", "no");
        return head;
    }

    /** What the page has to know of itself: whether it may change budgets, and if not, why. */
    private static byte[] greeting(Optional<String> refusal) {
        JsonObject changing = new JsonObject();
        changing.addProperty("allowed", refusal.isEmpty());
        changing.addProperty("reason", refusal.orElse(null));
        JsonObject hello = new JsonObject();
        hello.addProperty("schema", LiveJson.SCHEMA);
        hello.addProperty("version", GreenroomVersion.current());
        hello.add("budget_changes", changing);
        String event = "retry: 2000\nevent: hello\ndata: " + Json.write(hello) + "\n\n";
        return event.getBytes(StandardCharsets.UTF_8);
    }
}
