package io.greenroom.plugin.http;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.ReferenceCountUtil;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * A page, or another reader of events, at the far end of a channel whose reading a test controls.
 */
final class EventPage implements AutoCloseable {

    private final EmbeddedChannel channel;
    private final Queue<Runnable> unread = new ArrayDeque<>();
    private boolean reads = true;

    /** An event or, without a name, a comment. */
    record Event(String name, String data) {

        JsonObject json() {
            return JsonParser.parseString(data).getAsJsonObject();
        }
    }

    EventPage(Route route) {
        this(route, null);
    }

    /**
     * @param local address of the server that the page is connected to, or null
     */
    EventPage(Route route, @Nullable SocketAddress local) {
        channel =
                new EmbeddedChannel() {
                    @Override
                    protected SocketAddress localAddress0() {
                        return local == null ? super.localAddress0() : local;
                    }
                };
        channel.pipeline()
                .addLast(
                        new ChannelOutboundHandlerAdapter() {
                            @Override
                            public void write(
                                    ChannelHandlerContext ctx,
                                    Object message,
                                    ChannelPromise sent) {
                                if (reads) {
                                    ctx.write(message, sent);
                                } else {
                                    unread.add(() -> ctx.writeAndFlush(message, sent));
                                }
                            }
                        })
                .addLast(
                        new SimpleChannelInboundHandler<FullHttpRequest>() {
                            @Override
                            protected void channelRead0(
                                    ChannelHandlerContext ctx, FullHttpRequest request) {
                                QueryStringDecoder query = new QueryStringDecoder(request.uri());
                                route.handle(ctx, request, query, query.path().split("/", -1));
                            }
                        });
    }

    EventPage open() {
        send(HttpMethod.GET);
        return this;
    }

    void send(HttpMethod method) {
        channel.writeInbound(
                new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, method, "/moe/events"));
    }

    /** The head of the answer, or all of it. */
    HttpResponse head() {
        return channel.readOutbound();
    }

    /** What has come since the last call. */
    List<Event> events() {
        StringBuilder text = new StringBuilder();
        Object message;
        while ((message = channel.readOutbound()) != null) {
            if (message instanceof HttpContent content) {
                text.append(content.content().toString(StandardCharsets.UTF_8));
            }
            ReferenceCountUtil.release(message);
        }
        List<Event> events = new ArrayList<>();
        for (String block : text.toString().split("\n\n", 0)) {
            if (!block.isEmpty()) {
                events.add(event(block));
            }
        }
        return events;
    }

    private static Event event(String block) {
        String name = "";
        String data = block;
        for (String line : block.split("\n", 0)) {
            if (line.startsWith("event: ")) {
                name = line.substring("event: ".length());
            } else if (line.startsWith("data: ")) {
                data = line.substring("data: ".length());
            }
        }
        return new Event(name, data);
    }

    /** The one event that has come. */
    Event event() {
        List<Event> events = events();
        if (events.size() != 1) {
            throw new AssertionError("Expected one event, got " + events);
        }
        return events.get(0);
    }

    boolean hasEnded() {
        Object message = channel.readOutbound();
        return message instanceof LastHttpContent;
    }

    /** The network takes nothing more. */
    void stopReading() {
        reads = false;
    }

    /** Writes that the network has not taken. */
    int unread() {
        return unread.size();
    }

    void readOn() {
        reads = true;
        while (!unread.isEmpty()) {
            unread.remove().run();
        }
        channel.runPendingTasks();
    }

    boolean isOpen() {
        return channel.isOpen();
    }

    @Override
    public void close() {
        channel.finishAndReleaseAll();
    }
}
