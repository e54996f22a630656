package io.greenroom.plugin.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.plugin.telemetry.prometheus.PrometheusSink;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MetricsRouteTest {

    private final PrometheusSink prometheus = Metrics.ofNothing();
    private final FakeServer server = new FakeServer();
    private final ServerLink link = new ServerLink();
    private final MetricsRoute route = new MetricsRoute(link, prometheus, Runnable::run);

    @AfterEach
    void close() {
        prometheus.close();
    }

    @Test
    void answersInPrometheusText() {
        link.connect(server);
        FullHttpResponse response = send(HttpMethod.GET, "/metrics");

        assertThat(response.status().code()).isEqualTo(200);
        assertThat(response.headers().get("Content-Type"))
                .isEqualTo("text/plain; version=0.0.4; charset=utf-8");
        assertThat(text(response))
                .contains("# TYPE greenroom_build_info gauge\n")
                .contains("greenroom_models_left_out 0.0\n");
        assertThat(response.headers().getInt("Content-Length"))
                .isEqualTo(response.content().readableBytes());
    }

    @Test
    void namesMayBeChosen() {
        link.connect(server);
        assertThat(text(send(HttpMethod.GET, "/metrics?name[]=greenroom_models_left_out")))
                .contains("greenroom_models_left_out")
                .doesNotContain("greenroom_build_info");
    }

    @Test
    void otherMethodsAreRefused() {
        link.connect(server);
        FullHttpResponse refused = send(HttpMethod.POST, "/metrics");
        assertThat(refused.status().code()).isEqualTo(405);
        assertThat(refused.headers().get("Allow")).isEqualTo("GET");
    }

    @Test
    void theServersOwnPathIsTheServersIfItHasOne() {
        assertThat(accepts("/metrics")).as("before the server is known").isFalse();
        link.connect(server);
        assertThat(accepts("/metrics")).isTrue();
        assertThat(accepts("/metrics/x")).isFalse();
        assertThat(accepts("/server/metrics")).isFalse();

        server.withoutMetrics();
        assertThat(accepts("/server/metrics")).isTrue();
        assertThat(text(send(HttpMethod.GET, "/server/metrics"))).contains("greenroom_build_info");
    }

    @Test
    void switchedOffThereIsNothing() {
        link.connect(server.withoutMetrics());
        MetricsRoute off = new MetricsRoute(link, Metrics.none(), Runnable::run);
        assertThat(off.accepts(request(HttpMethod.GET, "/metrics"), "/metrics")).isFalse();
        assertThat(off.accepts(request(HttpMethod.GET, "/server/metrics"), "/server/metrics"))
                .isFalse();
    }

    private boolean accepts(String path) {
        FullHttpRequest request = request(HttpMethod.GET, path);
        try {
            return route.accepts(request, path);
        } finally {
            request.release();
        }
    }

    private static FullHttpRequest request(HttpMethod method, String uri) {
        return new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, method, uri, Unpooled.buffer(0));
    }

    private static String text(FullHttpResponse response) {
        return response.content().toString(StandardCharsets.UTF_8);
    }

    private FullHttpResponse send(HttpMethod method, String uri) {
        EmbeddedChannel channel =
                new EmbeddedChannel(
                        new SimpleChannelInboundHandler<FullHttpRequest>() {
                            @Override
                            protected void channelRead0(
                                    ChannelHandlerContext ctx, FullHttpRequest request) {
                                QueryStringDecoder query = new QueryStringDecoder(request.uri());
                                assertThat(route.accepts(request, query.path())).isTrue();
                                route.handle(ctx, request, query, query.path().split("/", -1));
                            }
                        });
        channel.writeInbound(request(method, uri));
        return channel.readOutbound();
    }
}
