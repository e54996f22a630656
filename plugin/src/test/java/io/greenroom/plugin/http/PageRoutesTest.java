package io.greenroom.plugin.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.plugin.engine.FakeMoeModel;
import io.greenroom.plugin.engine.Models;
import io.greenroom.plugin.engine.MoeEngineModel;
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
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page itself, and the heat map as JSON. */
class PageRoutesTest {

    private static final String EXPERTS = "/moe/models/demo/experts";

    @TempDir private Path folder;
    private final FakeMoeModel fake = new FakeMoeModel();
    private final ServerLink link = new ServerLink();
    private MoeEngineModel model;

    @BeforeEach
    void load() throws Exception {
        model = Models.loaded(fake, folder);
        link.connect(new FakeServer().with("demo", model));
    }

    @AfterEach
    void close() {
        model.close();
    }

    private FullHttpResponse send(Route route, HttpMethod method, String url) {
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
        channel.writeInbound(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, method, url));
        FullHttpResponse response = channel.readOutbound();
        channel.finish();
        return response;
    }

    private static String text(FullHttpResponse response) {
        String text = response.content().toString(StandardCharsets.UTF_8);
        response.release();
        return text;
    }

    @Test
    void thePageComesWithItsPolicy() {
        FullHttpResponse response =
                send(new DashboardRoute(link), HttpMethod.GET, "/moe/dashboard");
        assertThat(response.status().code()).isEqualTo(200);
        assertThat(response.headers().get("content-type")).isEqualTo("text/html; charset=utf-8");
        assertThat(response.headers().get("content-security-policy"))
                .isEqualTo(DashboardPage.read().securityPolicy());
        assertThat(response.headers().get("x-content-type-options")).isEqualTo("nosniff");
        assertThat(text(response)).startsWith("<!doctype html>").contains("</html>");
    }

    @Test
    void theHeatMapIsThereAsJson() {
        fake.counters().routed(1, new int[] {3}, 1);
        fake.inMemory().set(7);
        FullHttpResponse response = send(new ExpertsRoute(link), HttpMethod.GET, EXPERTS);
        assertThat(response.status().code()).isEqualTo(200);
        assertThat(response.headers().get("content-type")).isEqualTo("application/json");
        JsonObject json = JsonParser.parseString(text(response)).getAsJsonObject();
        assertThat(json.get("model").getAsString()).isEqualTo("demo");
        JsonObject row = json.getAsJsonArray("rows").get(1).getAsJsonObject();
        assertThat(row)
                .hasToString(
                        "{\"layer\":1,\"resident\":[0,0,0,1],\"routed\":[0,0,0,1],"
                                + "\"hits\":[0,0,0,0],\"misses\":[0,0,0,0]}");
    }

    @Test
    void unknownModelsAreNamed() {
        FullHttpResponse response =
                send(new ExpertsRoute(link), HttpMethod.GET, "/moe/models/other/experts");
        assertThat(response.status().code()).isEqualTo(404);
        assertThat(text(response))
                .contains("The model \\\"other\\\" does not exist; the models are demo");
    }

    @Test
    void aModelThatIsBeingUnloadedSaysSo() {
        model.close();
        FullHttpResponse response = send(new ExpertsRoute(link), HttpMethod.GET, EXPERTS);
        assertThat(response.status().code()).isEqualTo(503);
        assertThat(text(response)).contains("The model \\\"demo\\\" is being unloaded");
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "HEAD"})
    void bothAreReadOnly(String method) {
        for (FullHttpResponse response :
                new FullHttpResponse[] {
                    send(new ExpertsRoute(link), HttpMethod.valueOf(method), EXPERTS),
                    send(new DashboardRoute(link), HttpMethod.valueOf(method), "/moe/dashboard")
                }) {
            assertThat(response.status().code()).isEqualTo(405);
            assertThat(response.headers().get("allow")).isEqualTo("GET");
            response.release();
        }
    }
}
