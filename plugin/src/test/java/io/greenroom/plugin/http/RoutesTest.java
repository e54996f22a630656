package io.greenroom.plugin.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertId;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.lowbit.LowBitType;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.FakeMoeModel;
import io.greenroom.plugin.engine.Models;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.telemetry.SinkStatus;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class RoutesTest {

    private static final String CHAT = "/v1/chat/completions";
    private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    @TempDir private Path folder;
    private final FakeMoeModel fake = new FakeMoeModel();
    private final FakeServer server = new FakeServer();
    private final ServerLink link = new ServerLink();
    private final List<FullHttpRequest> passedOn = new ArrayList<>();
    private MoeEngineModel model;
    private Routes routes;
    private EmbeddedChannel channel;

    @BeforeEach
    void open() throws Exception {
        model = Models.loaded(fake, folder);
        StateChanges changes = new StateChanges(new PluginSettings());
        EventStreams pages =
                new EventStreams(
                        new LiveView(server::models, List::of, Clock.systemUTC(), System::nanoTime),
                        new HandPulse());
        routes =
                new Routes(
                        new InferenceRoute(link, new PluginSettings()),
                        new BudgetRoute(link, changes),
                        new ExpertsRoute(link),
                        new ModelsRoute(
                                link,
                                () ->
                                        List.of(
                                                new SinkStatus(
                                                        "kafka", "connected", 5, 1, 2, 3, "late"))),
                        new MetricsRoute(link, Metrics.none()),
                        new EventsRoute(link, pages, changes),
                        new DashboardRoute(link));
        link.connect(server);
        channel =
                new EmbeddedChannel(
                        new SimpleChannelInboundHandler<FullHttpRequest>() {
                            @Override
                            public boolean acceptInboundMessage(Object message) {
                                return routes.accepts((FullHttpRequest) message);
                            }

                            @Override
                            protected void channelRead0(
                                    ChannelHandlerContext ctx, FullHttpRequest request) {
                                QueryStringDecoder query = new QueryStringDecoder(request.uri());
                                routes.handle(ctx, request, query, query.path().split("/", -1));
                            }
                        },
                        new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext ctx, Object message) {
                                passedOn.add((FullHttpRequest) message);
                            }
                        });
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
        passedOn.forEach(request -> request.release(request.refCnt()));
        model.close();
    }

    private FullHttpRequest send(HttpMethod method, String uri, String body, String... headers) {
        FullHttpRequest request =
                new DefaultFullHttpRequest(
                        HttpVersion.HTTP_1_1,
                        method,
                        uri,
                        Unpooled.copiedBuffer(body, StandardCharsets.UTF_8));
        for (int i = 0; i < headers.length; i += 2) {
            request.headers().set(headers[i], headers[i + 1]);
        }
        channel.writeInbound(request);
        return request;
    }

    private void post(String uri, String body, String... headers) {
        send(HttpMethod.POST, uri, body, headers);
    }

    private Object next() {
        return channel.readOutbound();
    }

    private FullHttpResponse whole() {
        return (FullHttpResponse) channel.readOutbound();
    }

    private static JsonObject json(FullHttpResponse response) {
        String text = response.content().toString(StandardCharsets.UTF_8);
        response.release();
        return JsonParser.parseString(text).getAsJsonObject();
    }

    private static JsonObject error(FullHttpResponse response) {
        return json(response).getAsJsonObject("error");
    }

    private String piece() {
        HttpContent content = channel.readOutbound();
        String text = content.content().toString(StandardCharsets.UTF_8);
        content.release();
        return text;
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /v1/chat/completions, true",
        "POST, /v1/chat/completions/?a=b, true",
        "POST, /invocations, true",
        "POST, /predictions/m, true",
        "POST, /predictions/m/1, true",
        "POST, /models/m/invoke, true",
        "GET,  /v1/models, true",
        "GET,  /v1/models/m, true",
        "GET,  /moe/models, true",
        "PUT,  /moe/models/m, true",
        "GET,  /v1/chat/completions, false",
        "OPTIONS, /predictions/m, false",
        "POST, /models, false",
        "POST, /models/m, false",
        "GET,  /models, false",
        "GET,  /ping, false",
        "POST, /v1/completions, false",
        "GET,  /v1/modelsx, false",
    })
    void theServersOwnUrlsAreLeftAlone(String method, String uri, boolean ours) {
        FullHttpRequest request =
                new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.valueOf(method), uri);
        try {
            assertThat(routes.accepts(request)).isEqualTo(ours);
        } finally {
            request.release();
        }
    }

    @Test
    void nothingIsAcceptedBeforeThereIsAServer() {
        Routes unconnected =
                new Routes(
                        new InferenceRoute(new ServerLink(), settings()),
                        new BudgetRoute(new ServerLink(), new StateChanges(settings())),
                        new ExpertsRoute(new ServerLink()),
                        new ModelsRoute(new ServerLink(), List::of),
                        new MetricsRoute(new ServerLink(), Metrics.none()),
                        new EventsRoute(
                                new ServerLink(),
                                new EventStreams(
                                        new LiveView(
                                                List::of,
                                                List::of,
                                                Clock.systemUTC(),
                                                System::nanoTime),
                                        new HandPulse()),
                                new StateChanges(settings())),
                        new DashboardRoute(new ServerLink()));
        FullHttpRequest request =
                new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, CHAT);
        try {
            assertThat(unconnected.accepts(request)).isFalse();
        } finally {
            request.release();
        }
    }

    private static PluginSettings settings() {
        try {
            return new PluginSettings();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    /v1/chat/completions               | "model":"demo",
                    /v1/chat/completions?model_name=demo | "model":"unheeded",
                    /invocations?model_name=demo       |
                    /predictions/demo                  |
                    /models/demo/invoke                | "model":"unheeded",
                    """)
    void ourModelsAreAnsweredHoweverTheyAreNamed(String uri, String field) throws Exception {
        server.with("demo", model).withOther("python");
        post(uri, "{" + (field == null ? "" : field) + MESSAGES + "}");
        fake.next().say("Yes").finish(FinishReason.STOP, null);
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(200);
        assertThat(response.headers().get("Content-Type")).isEqualTo("application/json");
        assertThat(json(response).toString()).contains("\"content\":\"Yes\"");
        assertThat(passedOn).isEmpty();
    }

    @Test
    void theStartUpModelIsMeantWhereNoneIsNamed() throws Exception {
        server.with("demo", model).with("second", model).startingWith("demo");
        post(CHAT, "{" + MESSAGES + "}");
        fake.next().finish(FinishReason.STOP, null);

        assertThat(whole().status().code()).isEqualTo(200);
    }

    @Test
    void whatIsNotJsonIsToldSoAndNotThatItNamesNoModel() {
        server.with("demo", model);
        post(CHAT, "{\"messages\": [}");
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(400);
        assertThat(error(response).get("message").getAsString()).startsWith("The body is not JSON");
    }

    @Test
    void aModelMustBeNamedWhereThereAreSeveral() {
        server.with("demo", model).with("second", model);
        post(CHAT, "{" + MESSAGES + "}");
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(400);
        assertThat(error(response).get("message").getAsString())
                .isEqualTo(
                        "\"model\" is missing, and the server has more than one; the models are"
                                + " demo, second");
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/chat/completions",
        "/predictions/nope",
        "/models/nope/invoke",
        "/invocations?model_name=nope"
    })
    void unknownModelsAreA404InOpenAisWords(String uri) {
        server.with("demo", model).startingWith("demo");
        post(uri, "{\"model\":\"nope\"," + MESSAGES + "}");
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(404);
        assertThat(error(response).toString())
                .isEqualTo(
                        "{\"message\":\"The model \\\"nope\\\" does not exist; the models are demo\","
                                + "\"type\":\"invalid_request_error\",\"param\":\"model\","
                                + "\"code\":\"model_not_found\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    /predictions/python                  | {}
                    /predictions/demo/7                  | {}
                    /invocations?model_name=python       | {}
                    /v1/chat/completions                 | {"model":"python"}
                    """)
    void otherModelsGoToTheServersOwnHandler(String uri, String body) {
        server.with("demo", model).withOther("python");
        post(uri, body);

        assertThat(passedOn).hasSize(1);
        assertThat(passedOn.get(0).headers().get("x-request-id")).isEqualTo("request-1");
        assertThat(passedOn.get(0).refCnt()).isEqualTo(1);
        assertThat(next()).isNull();
    }

    @Test
    void aServerOfOtherModelsDoesNotNoticeThePlugin() {
        server.withOther("python").startingWith("python");
        post(CHAT, "{\"model\":\"gpt\"," + MESSAGES + "}");
        post("/predictions/nope", "{}");
        post("/invocations", "not json");
        server.with("demo", model);
        post(CHAT, "{\"model\":\"gpt\"," + MESSAGES + "}");
        post("/invocations", "not json");

        assertThat(passedOn).hasSize(5);
    }

    @Test
    void modelsLoadedOnDemandAreTheServersBusiness() {
        server.with("demo", model).loadingOnDemand();
        post("/predictions/nope", "{}");

        assertThat(passedOn).hasSize(1);
    }

    @Test
    void answersFetchedLaterAreTheServersBusiness() {
        server.with("demo", model).startingWith("demo");
        post(CHAT, "{" + MESSAGES + "}", "x-synchronous", "false");
        post("/invocations", "{}", "x-starting-token", "abc");

        assertThat(passedOn).hasSize(2);
    }

    @Test
    void aStreamGoesOutPieceByPiece() throws Exception {
        server.with("demo", model).startingWith("demo");
        post(CHAT, "{\"stream\":true," + MESSAGES + "}");
        FakeMoeModel.Running running = fake.next();
        assertThat(next()).isNull();
        running.say("a");
        channel.runPendingTasks();
        HttpResponse head = channel.readOutbound();

        assertThat(head.status().code()).isEqualTo(200);
        assertThat(head.headers().get("Content-Type")).isEqualTo("text/event-stream");
        assertThat(head.headers().get("Transfer-Encoding")).isEqualTo("chunked");
        assertThat(piece()).contains("\"role\":\"assistant\"");
        assertThat(piece()).contains("\"content\":\"a\"");
        running.finish(FinishReason.STOP, null);
        channel.runPendingTasks();
        assertThat(piece()).contains("\"finish_reason\":\"stop\"");
        assertThat(piece()).isEqualTo("data: [DONE]\n\n");
        assertThat(next()).isInstanceOf(LastHttpContent.class);
        channel.close();
        assertThat(running.isOver()).isTrue();
    }

    @Test
    void lateFailuresOfWholeAnswersHaveTheirStatus() throws Exception {
        server.with("demo", model).startingWith("demo");
        post(CHAT, "{" + MESSAGES + "}");
        fake.next().say("half").finish(FinishReason.UNLOADED, null);
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(503);
        assertThat(response.headers().get("Retry-After")).isEqualTo("1");
        assertThat(error(response).get("code").getAsString()).isEqualTo("model_unloaded");
    }

    @Test
    void earlyFailuresOfStreamsHaveTheirStatus() throws Exception {
        server.with("demo", model).startingWith("demo");
        post(CHAT, "{\"stream\":true," + MESSAGES + "}");
        fake.next().finish(FinishReason.ERROR, new IllegalStateException("file vanished"));
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(500);
        assertThat(response.headers().get("Content-Type")).isEqualTo("application/json");
        assertThat(error(response).get("message").getAsString()).endsWith("file vanished");
    }

    @Test
    void badRequestsAreAnsweredInOpenAisWords() {
        server.with("demo", model).startingWith("demo");
        post(CHAT, "{\"temperature\":-1," + MESSAGES + "}");
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(400);
        assertThat(error(response).get("param").getAsString()).isEqualTo("temperature");
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void aClientThatLeavesCancelsItsAnswer(boolean stream) throws Exception {
        server.with("demo", model).startingWith("demo");
        post(CHAT, "{\"stream\":" + stream + "," + MESSAGES + "}");
        FakeMoeModel.Running running = fake.next().say("a");
        assertThat(running.isOver()).isFalse();
        channel.close();

        assertThat(running.isOver()).isTrue();
    }

    @Test
    void aClientThatLeavesTheQueueIsNeverServed() {
        server.with("demo", model).startingWith("demo");
        server.hold();
        post(CHAT, "{" + MESSAGES + "}");
        channel.close();
        server.work();

        assertThat(fake.hasNext()).isFalse();
    }

    @Test
    void aClientThatDoesNotReadIsDisconnected() throws Exception {
        server.with("demo", model).startingWith("demo");
        EmbeddedChannel stalled = stalledChannel();
        stalled.writeInbound(
                new DefaultFullHttpRequest(
                        HttpVersion.HTTP_1_1,
                        HttpMethod.POST,
                        CHAT,
                        Unpooled.copiedBuffer(
                                "{\"stream\":true," + MESSAGES + "}", StandardCharsets.UTF_8)));
        FakeMoeModel.Running running = fake.next();
        String kilobyte = "x".repeat(1024);
        for (int i = 0; i < 64 && !running.isOver(); i++) {
            running.say(kilobyte);
        }

        assertThat(running.isOver()).isTrue();
        assertThat(stalled.isOpen()).isFalse();
    }

    /** Writes to it stay in its outbound buffer, as with a client that does not read. */
    private EmbeddedChannel stalledChannel() {
        return new EmbeddedChannel(
                new io.netty.channel.ChannelOutboundHandlerAdapter() {
                    @Override
                    public void flush(ChannelHandlerContext ctx) {
                        // the socket takes nothing
                    }
                },
                new SimpleChannelInboundHandler<FullHttpRequest>() {
                    @Override
                    protected void channelRead0(
                            ChannelHandlerContext ctx, FullHttpRequest request) {
                        QueryStringDecoder query = new QueryStringDecoder(request.uri());
                        routes.handle(ctx, request, query, query.path().split("/", -1));
                    }
                });
    }

    @Test
    void whatTheServerRefusesIsToldWithItsStatus() {
        server.with("demo", model).startingWith("demo");
        server.refuseWith(new RefusedException(503, "Model is not ready", new Exception()));
        post(CHAT, "{" + MESSAGES + "}");
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(503);
        assertThat(response.headers().get("Retry-After")).isEqualTo("1");
        assertThat(error(response).get("message").getAsString()).isEqualTo("Model is not ready");
    }

    @Test
    void bodiesThatAreTooLargeAreRefused() {
        server.with("demo", model).startingWith("demo");
        post("/predictions/demo", " ".repeat((16 << 20) + 1));
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(413);
        assertThat(error(response).get("message").getAsString())
                .isEqualTo("The body has 16.0 MiB; at most 16.0 MiB are accepted");
    }

    @Test
    void largeBodiesAreSearchedElsewhere() throws Exception {
        server.with("demo", model).withOther("python");
        FullHttpRequest request =
                send(
                        HttpMethod.POST,
                        CHAT,
                        "{\"padding\":\""
                                + "x".repeat(100_000)
                                + "\",\"model\":\"demo\","
                                + MESSAGES
                                + "}");
        while (!fake.hasNext()) {
            channel.runPendingTasks();
            LockSupport.parkNanos(1_000_000);
        }
        fake.next().finish(FinishReason.STOP, null);

        assertThat(whole().status().code()).isEqualTo(200);
        assertThat(request.refCnt()).isZero();
    }

    @Test
    void clientsCannotClaimToDeferTheStatusForOthers() throws Exception {
        server.with("demo", model).startingWith("demo");
        post(CHAT, "{" + MESSAGES + "}", "greenroom-defers-status", "x");
        fake.next().finish(FinishReason.STOP, null);

        assertThat(whole().status().code()).isEqualTo(200);
    }

    @Test
    void openAisClientsCanListModels() {
        server.with("demo", model);
        send(HttpMethod.GET, "/v1/models", "");
        assertThat(json(whole()).toString())
                .isEqualTo(
                        "{\"object\":\"list\",\"data\":[{\"id\":\"demo\",\"object\":\"model\","
                                + "\"created\":1700000000,\"owned_by\":\"greenroom\"}]}");
        send(HttpMethod.GET, "/v1/models/demo", "");
        assertThat(json(whole()).get("id").getAsString()).isEqualTo("demo");
        send(HttpMethod.GET, "/v1/models/nope", "");
        assertThat(error(whole()).get("code").getAsString()).isEqualTo("model_not_found");
    }

    @Test
    void operatorsSeeBudgetResidencyAndCounters() {
        for (int expert = 0; expert < 3; expert++) {
            ExpertId id = new ExpertId(1, expert);
            fake.counters().on(Event.PREFETCH, id, expert);
            fake.counters().on(Event.LOADED, id, expert);
            fake.counters().on(expert == 0 ? Event.HIT : Event.EVICT, id, expert);
        }
        fake.counters().on(Event.PREFETCH, new ExpertId(1, 3), 3);
        fake.counters().on(Event.CANCELLED, new ExpertId(1, 3), 3);
        server.with("demo", model);
        send(HttpMethod.GET, "/moe/models/demo", "");
        JsonObject status = json(whole());

        assertThat(status.get("name").getAsString()).isEqualTo("demo");
        assertThat(status.getAsJsonObject("memory").get("expert_budget_bytes").getAsLong())
                .isEqualTo(1000);
        assertThat(status.getAsJsonObject("experts").get("resident").getAsInt()).isEqualTo(5);
        assertThat(status.getAsJsonObject("requests").get("queued").getAsInt()).isEqualTo(2);
        assertThat(status.getAsJsonObject("cache").get("hit_rate").getAsDouble()).isEqualTo(0.75);
        JsonObject routing = status.getAsJsonObject("routing");
        assertThat(routing.get("standard").getAsString()).isEqualTo("exact");
        assertThat(routing.get("limit").getAsString()).isEqualTo("biased:0.5");
        assertThat(routing.get("altered_selections").getAsLong()).isEqualTo(8);
        assertThat(routing.get("lost_router_weight_share").getAsDouble()).isEqualTo(0.05);
        JsonObject prefetch = status.getAsJsonObject("prefetch");
        assertThat(prefetch.get("mode").getAsString()).isEqualTo("auto");
        assertThat(prefetch.get("on").getAsBoolean()).isTrue();
        assertThat(prefetch.get("reason").getAsString()).startsWith("on: a step takes 4.0 % less");
        assertThat(prefetch.get("link_idle_share").getAsDouble()).isEqualTo(0.25);
        assertThat(prefetch.get("recall_at_k").getAsDouble()).isEqualTo(0.75);
        JsonObject layer = prefetch.getAsJsonArray("layers").get(0).getAsJsonObject();
        assertThat(layer.get("layer").getAsInt()).isOne();
        assertThat(layer.get("fits").getAsDouble()).isEqualTo(1.5);
        assertThat(layer.get("useful").getAsLong()).isOne();
        assertThat(layer.get("wasted").getAsLong()).isEqualTo(2);
        assertThat(layer.get("wasted_bytes").getAsLong()).isEqualTo(200);
        assertThat(layer.get("called_off").getAsLong()).isOne();
        assertThat(layer.get("on_time_share").getAsDouble()).isEqualTo(1.0 / 3);
        assertThat(layer.get("recall_at_2k").getAsDouble()).isEqualTo(0.9);
        send(HttpMethod.GET, "/moe/models", "");
        JsonObject all = json(whole());
        assertThat(all.getAsJsonArray("models")).hasSize(1);
        assertThat(all.getAsJsonObject("telemetry").getAsJsonArray("sinks"))
                .hasToString(
                        "[{\"name\":\"kafka\",\"state\":\"connected\",\"delivered\":5,"
                                + "\"failed\":1,\"dropped\":2,\"queued\":3,"
                                + "\"last_failure\":\"late\"}]");
    }

    @Test
    void operatorsSeeWhatMixedPrecisionDoes() {
        server.with("demo", model);
        send(HttpMethod.GET, "/moe/models/demo", "");
        assertThat(json(whole()).has("mixed_precision")).isFalse();
        fake.mixed(
                new MoeModel.MixedStatus(
                        Path.of("/models/fake.lowbit"),
                        LowBitType.Q2_G32,
                        PrecisionRule.DEFAULT,
                        4000,
                        7,
                        5,
                        new PrecisionCost(64, 8, 4, 20, 2.5, 1000),
                        new CacheStats(3, 1, 1, 0, 0, 4000, 0, 0, 0, 0, 0)));
        send(HttpMethod.GET, "/moe/models/demo", "");
        JsonObject mixed = json(whole()).getAsJsonObject("mixed_precision");
        assertThat(mixed.get("type").getAsString()).isEqualTo("q2_g32");
        assertThat(mixed.get("full_up_to").getAsDouble()).isEqualTo(0.6);
        assertThat(mixed.get("skip_above").getAsDouble()).isEqualTo(0.9);
        assertThat(mixed.get("low_bit_selections").getAsLong()).isEqualTo(8);
        assertThat(mixed.get("skipped_selections").getAsLong()).isEqualTo(4);
        assertThat(mixed.get("saved_bytes").getAsLong()).isEqualTo(1000);
        assertThat(mixed.get("slots").getAsInt()).isEqualTo(7);
        assertThat(mixed.get("resident").getAsInt()).isEqualTo(5);
        assertThat(mixed.getAsJsonObject("cache").get("hit_rate").getAsDouble()).isEqualTo(0.75);
    }

    @Test
    void otherMethodsOnListsAreRefused() {
        send(HttpMethod.DELETE, "/v1/models/demo", "");
        FullHttpResponse response = whole();

        assertThat(response.status().code()).isEqualTo(405);
        assertThat(response.headers().get("Allow")).isEqualTo("GET");
        assertThat(error(response).get("message").getAsString())
                .isEqualTo("Only GET is accepted here, not DELETE");
    }
}
