package io.greenroom.plugin.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.FakeMoeModel;
import io.greenroom.plugin.engine.Models;
import io.greenroom.plugin.engine.MoeEngineModel;
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
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BudgetRouteTest {

    private static final String URL = "/moe/models/demo/budget";

    @TempDir private Path folder;
    private final FakeMoeModel fake = new FakeMoeModel();
    private final FakeServer server = new FakeServer();
    private final ServerLink link = new ServerLink();
    private MoeEngineModel model;
    private @Nullable SocketAddress local;

    @BeforeEach
    void load() throws Exception {
        model = Models.loaded(fake, folder);
        server.with("demo", model);
        link.connect(server);
    }

    @AfterEach
    void close() {
        model.close();
    }

    @Test
    void theAnswerSaysWhatWasAndWhatIs() throws Exception {
        FullHttpResponse response = put(URL, "{\"expert_budget\": \"40%\"}");
        assertThat(response.status().code()).isEqualTo(200);
        JsonObject json = json(response);
        assertThat(json.get("model").getAsString()).isEqualTo("demo");
        assertThat(json.get("expert_budget").getAsString()).isEqualTo("40%");
        assertThat(json.get("before")).hasToString("{\"bytes\":6400,\"slots\":64}");
        assertThat(json.get("after")).hasToString("{\"bytes\":2560,\"slots\":25}");
        assertThat(json.get("reached").getAsBoolean()).isTrue();
        assertThat(fake.budget()).hasToString("40%");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"expert_budget": "40%"    | null          | The body is not JSON, at line 1 column
                    {"expert_budget": 40}      | expert_budget | must be a string: a size like "6GiB"
                    {}                         | expert_budget | must be a string
                    {"expert_budget": "lots"}  | expert_budget | Not a budget: "lots"
                    {"expert_budget": "0%"}    | expert_budget | Not a share of the experts: "0%"
                    {"expert_budget": "1%"}    | expert_budget | The smallest budget that works is 200 bytes
                    {"expert_budget": "40%", "now": true} | now | There is no field "now" here; send "expert_budget"
                    [1]                        | null          | The body is not a JSON object
                    """)
    void whatCannotBeDoneIsRefusedWithTheReason(String body, String param, String message)
            throws Exception {
        FullHttpResponse response = put(URL, body);
        assertThat(response.status().code()).isEqualTo(400);
        JsonObject error = json(response).getAsJsonObject("error");
        assertThat(error.get("message").getAsString()).contains(message);
        assertThat(error.get("param").toString().replace("\"", "")).isEqualTo(param);
        assertThat(fake.budget()).hasToString("auto");
    }

    @Test
    void anEmptyBodyAndALongOneAreRefused() throws Exception {
        assertThat(put(URL, "").status().code()).isEqualTo(400);
        assertThat(put(URL, "{\"expert_budget\":\"" + "4".repeat(5000) + "%\"}").status().code())
                .isEqualTo(413);
    }

    @Test
    void unknownModelsAreNamed() throws Exception {
        FullHttpResponse response = put("/moe/models/other/budget", "{\"expert_budget\": \"40%\"}");
        assertThat(response.status().code()).isEqualTo(404);
        assertThat(json(response).getAsJsonObject("error").get("message").getAsString())
                .isEqualTo("The model \"other\" does not exist; the models are demo");
    }

    @ParameterizedTest
    @CsvSource({"GET", "POST", "DELETE", "PATCH"})
    void otherMethodsAreRefused(String method) throws Exception {
        FullHttpResponse response =
                send(settings(), HttpMethod.valueOf(method), URL, "{\"expert_budget\": \"40%\"}");
        assertThat(response.status().code()).isEqualTo(405);
        assertThat(response.headers().get("Allow")).isEqualTo("PUT");
        assertThat(fake.budget()).hasToString("auto");
    }

    @Test
    void fromTheNetworkOnlyTheManagementAddressChangesBudgets() throws Exception {
        local = new InetSocketAddress(InetAddress.getByName("192.0.2.7"), 8080);
        FullHttpResponse refused = put(URL, "{\"expert_budget\": \"40%\"}");
        assertThat(refused.status().code()).isEqualTo(403);
        assertThat(json(refused).getAsJsonObject("error").get("message").getAsString())
                .contains("This address also serves inference")
                .contains("greenroom.remote-management=true");
        assertThat(fake.budget()).hasToString("auto");

        local = new InetSocketAddress(InetAddress.getLoopbackAddress(), 8080);
        assertThat(put(URL, "{\"expert_budget\": \"40%\"}").status().code()).isEqualTo(200);

        local = new InetSocketAddress(InetAddress.getByName("192.0.2.7"), 8081);
        server.withManagementApart();
        assertThat(put(URL, "{\"expert_budget\": \"50%\"}").status().code()).isEqualTo(200);
    }

    @Test
    void theOperatorMayAllowIt() throws Exception {
        local = new InetSocketAddress(InetAddress.getByName("192.0.2.7"), 8080);
        System.setProperty("greenroom.remote-management", "true");
        try {
            assertThat(put(URL, "{\"expert_budget\": \"40%\"}").status().code()).isEqualTo(200);
        } finally {
            System.clearProperty("greenroom.remote-management");
        }
    }

    @Test
    void aModelThatIsBeingUnloadedSaysSo() throws Exception {
        fake.close();
        FullHttpResponse response = put(URL, "{\"expert_budget\": \"40%\"}");
        assertThat(response.status().code()).isEqualTo(503);
    }

    private static PluginSettings settings() throws Exception {
        return new PluginSettings();
    }

    private FullHttpResponse put(String url, String body) throws Exception {
        return send(settings(), HttpMethod.PUT, url, body);
    }

    private FullHttpResponse send(
            PluginSettings settings, HttpMethod method, String url, String body) {
        BudgetRoute route = new BudgetRoute(link, new StateChanges(settings), Runnable::run);
        EmbeddedChannel channel =
                new EmbeddedChannel() {
                    @Override
                    protected SocketAddress localAddress0() {
                        return local == null ? super.localAddress0() : local;
                    }
                };
        channel.pipeline()
                .addLast(
                        new SimpleChannelInboundHandler<FullHttpRequest>() {
                            @Override
                            protected void channelRead0(
                                    ChannelHandlerContext ctx, FullHttpRequest request) {
                                QueryStringDecoder query = new QueryStringDecoder(request.uri());
                                assertThat(route.accepts(request, query.path())).isTrue();
                                route.handle(ctx, request, query, query.path().split("/", -1));
                            }
                        });
        channel.writeInbound(
                new DefaultFullHttpRequest(
                        HttpVersion.HTTP_1_1,
                        method,
                        url,
                        Unpooled.copiedBuffer(body, StandardCharsets.UTF_8)));
        FullHttpResponse response = channel.readOutbound();
        channel.finish();
        return response;
    }

    private static JsonObject json(FullHttpResponse response) {
        String text = response.content().toString(StandardCharsets.UTF_8);
        response.release();
        return JsonParser.parseString(text).getAsJsonObject();
    }
}
