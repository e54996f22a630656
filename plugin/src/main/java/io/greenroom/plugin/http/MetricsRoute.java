package io.greenroom.plugin.http;

import io.greenroom.plugin.protocol.ApiError;
import io.greenroom.plugin.telemetry.prometheus.PrometheusSink;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.concurrent.DefaultThreadFactory;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code GET /metrics}: our series for Prometheus, whatever the server shows of its own; and {@code
 * GET /server/metrics}: all there are, where the server does not answer that itself. {@code name[]}
 * in the query chooses, as it does there.
 */
@Singleton
final class MetricsRoute implements Route {

    private static final Logger logger = LoggerFactory.getLogger(MetricsRoute.class);
    private static final String OURS = "/metrics";
    private static final String ALL = "/server/metrics";

    /** Scrapes that may wait; more at once are somebody's mistake. */
    private static final int QUEUE = 16;

    private final ServerLink link;
    private final PrometheusSink prometheus;

    /** Writing the series of many models takes longer than an event loop may. */
    private final Executor scrapes;

    @Inject
    MetricsRoute(ServerLink link, PrometheusSink prometheus) {
        this(link, prometheus, pool());
    }

    MetricsRoute(ServerLink link, PrometheusSink prometheus, Executor scrapes) {
        this.link = link;
        this.prometheus = prometheus;
        this.scrapes = scrapes;
    }

    /** One thread, while there is something to do. */
    private static Executor pool() {
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(
                        1,
                        1,
                        10,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(QUEUE),
                        new DefaultThreadFactory("greenroom-metrics", true),
                        new ThreadPoolExecutor.CallerRunsPolicy());
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    @Override
    public boolean accepts(FullHttpRequest request, String path) {
        boolean ours = path.equals(OURS);
        return (ours || path.equals(ALL))
                && prometheus.isConnected()
                && link.bridge().filter(server -> ours || !server.showsMetrics()).isPresent();
    }

    @Override
    public void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        ServerBridge server = link.bridge().orElseThrow();
        if (!HttpMethod.GET.equals(request.method())) {
            FullHttpResponse refused =
                    Replies.error(
                            new ApiError(
                                    405,
                                    ApiError.INVALID_REQUEST,
                                    "Only GET is accepted here, not " + request.method(),
                                    null,
                                    null));
            refused.headers().set(HttpHeaderNames.ALLOW, "GET");
            server.send(ctx, refused);
            return;
        }
        Set<String> names = Set.copyOf(query.parameters().getOrDefault("name[]", List.of()));
        boolean ours = segments[1].equals("metrics");
        scrapes.execute(() -> server.send(ctx, answer(ours, names)));
    }

    private FullHttpResponse answer(boolean ours, Set<String> names) {
        try {
            byte[] text = ours ? prometheus.text(names) : prometheus.textOfAll(names);
            FullHttpResponse response = Replies.of(HttpResponseStatus.OK, text);
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, PrometheusSink.contentType());
            return response;
        } catch (RuntimeException | Error e) {
            logger.error("A scrape failed", e);
            return Replies.error(ApiError.internal("The metrics could not be read: " + e));
        }
    }
}
