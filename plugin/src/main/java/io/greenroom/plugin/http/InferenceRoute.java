package io.greenroom.plugin.http;

import ai.djl.modality.Input;
import io.greenroom.cache.ByteSize;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.RequestRunner;
import io.greenroom.plugin.protocol.ApiError;
import io.greenroom.plugin.protocol.RequestException;
import io.greenroom.plugin.protocol.RequestJson;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.QueryStringDecoder;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Requests for text: {@code POST} to {@code /v1/chat/completions}, {@code /invocations}, {@code
 * /predictions/{model}[/{version}]} and {@code /models/{model}/invoke}. Those for models of this
 * engine are answered here, through the server's own queue; all others go on to the server's own
 * handler, as if this one were not there.
 *
 * <p>The server does not look into bodies, so it would ignore OpenAI's {@code "model"}; and it does
 * not tell an engine that a client has left. Both is why this route exists.
 */
@Singleton
final class InferenceRoute implements Route {

    private static final String CHAT = "/v1/chat/completions";

    /** Bodies up to this size are searched for a model's name on the event loop. */
    private static final int SMALL = 64 << 10;

    private final ServerLink link;
    private final long maxRequest;
    private final long maxUnsent;

    /** Searches large bodies. */
    private final ExecutorService searchers;

    @Inject
    InferenceRoute(ServerLink link, PluginSettings settings) {
        this.link = link;
        this.maxRequest = settings.maxRequestBytes();
        this.maxUnsent = settings.maxUnsentBytes();
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(
                        2,
                        2,
                        10,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task -> {
                            Thread thread = new Thread(task, "greenroom-requests");
                            thread.setDaemon(true);
                            return thread;
                        });
        pool.allowCoreThreadTimeOut(true);
        this.searchers = pool;
    }

    @PreDestroy
    void close() {
        searchers.shutdown();
    }

    @Override
    public boolean accepts(FullHttpRequest request, String path) {
        return link.bridge().isPresent()
                && HttpMethod.POST.equals(request.method())
                && (path.equals(CHAT)
                        || path.equals("/invocations")
                        || path.startsWith("/predictions/")
                        || (path.startsWith("/models/") && path.endsWith("/invoke")));
    }

    /** A request on its way: where it came from and what is known of it. */
    private record Call(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            ServerBridge server,
            boolean chat,
            @Nullable String version) {}

    @Override
    public void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        ServerBridge server = link.bridge().orElseThrow();
        boolean chat = segments[1].equals("v1");
        boolean predictions = segments[1].equals("predictions");
        String named = predictions || segments[1].equals("models") ? segment(segments, 2) : null;
        String version =
                predictions ? segment(segments, 3) : parameter(query, request, "model_version");
        Call call = new Call(ctx, request, server, chat, version);
        // Answers that are fetched later, piece by piece, are the server's own business.
        if (request.headers().contains("x-starting-token")
                || "false".equalsIgnoreCase(request.headers().get("x-synchronous"))) {
            passOn(call);
            return;
        }
        if (named == null && !predictions) {
            named = parameter(query, request, "model_name");
        }
        if (named != null) {
            routeTo(call, named);
        } else if (request.content().readableBytes() <= SMALL) {
            routeByBody(call, RequestJson.model(ByteBufUtil.getBytes(request.content())));
        } else {
            searchLarge(call);
        }
    }

    private void searchLarge(Call call) {
        call.request.retain();
        byte[] body = ByteBufUtil.getBytes(call.request.content());
        searchers.execute(
                () -> {
                    String named = RequestJson.model(body);
                    call.ctx
                            .executor()
                            .execute(
                                    () -> {
                                        try {
                                            routeByBody(call, named);
                                        } finally {
                                            call.request.release();
                                        }
                                    });
                });
    }

    /** The client chose by URL, query or header, as the server knows them. */
    private void routeTo(Call call, String model) {
        Optional<ServedModel> own = call.server.find(model, call.version);
        if (own.isPresent()) {
            serve(call, model);
        } else if (call.server.isRegistered(model)
                || call.server.loadsOnDemand()
                || call.server.models().isEmpty()) {
            passOn(call);
        } else {
            reply(call, ApiError.unknownModel(model, known(call.server)));
        }
    }

    /** The client chose in the body, as OpenAI's clients do, or not at all. */
    private void routeByBody(Call call, @Nullable String named) {
        if (named != null && call.server.isRegistered(named)) {
            routeTo(call, named);
            return;
        }
        String fallback = call.server.defaultModel().orElse(null);
        boolean ownFallback =
                fallback != null && call.server.find(fallback, call.version).isPresent();
        if (named == null && fallback != null && ownFallback) {
            serve(call, fallback);
        } else if (call.server.models().isEmpty() || (fallback != null && !ownFallback)) {
            // What this server does with such requests without this plugin, it shall do with it.
            passOn(call);
        } else if (named != null && (call.chat || ownFallback)) {
            reply(call, ApiError.unknownModel(named, known(call.server)));
        } else {
            reply(call, nameless(call));
        }
    }

    /** Whoever cannot write JSON has no model's name to look for. */
    private static ApiError nameless(Call call) {
        if (call.request.content().readableBytes() <= SMALL) {
            try {
                RequestJson.parse(ByteBufUtil.getBytes(call.request.content()));
            } catch (RequestException e) {
                return e.error();
            }
        }
        boolean several = call.server.models().size() > 1;
        return ApiError.invalid(
                "model",
                "\"model\" is missing"
                        + (several ? ", and the server has more than one; " : "; ")
                        + known(call.server));
    }

    private void serve(Call call, String model) {
        int bytes = call.request.content().readableBytes();
        if (bytes > maxRequest) {
            reply(
                    call,
                    new ApiError(
                            413,
                            ApiError.INVALID_REQUEST,
                            "The body has "
                                    + new ByteSize(bytes)
                                    + "; at most "
                                    + new ByteSize(maxRequest)
                                    + " are accepted",
                            null,
                            "request_too_large"));
            return;
        }
        new Exchange(call.ctx, call.server, input(call), maxUnsent).start(model, call.version);
    }

    private static Input input(Call call) {
        Input input = new Input();
        for (Map.Entry<String, String> header : call.request.headers()) {
            input.addProperty(header.getKey(), header.getValue());
        }
        input.addProperty("requestId", call.server.requestId(call.ctx.channel()));
        input.addProperty(RequestRunner.DEFERS_STATUS, "true");
        input.add("data", ByteBufUtil.getBytes(call.request.content()));
        return input;
    }

    /** To the next handler, which releases the request. */
    private static void passOn(Call call) {
        // The next handler begins a request of its own; the id stays the same this way.
        call.request.headers().set("x-request-id", call.server.requestId(call.ctx.channel()));
        call.ctx.fireChannelRead(call.request.retain());
    }

    private static void reply(Call call, ApiError error) {
        call.server.send(call.ctx, Replies.error(error));
    }

    private static String known(ServerBridge server) {
        List<String> names = server.models().stream().map(ServedModel::name).distinct().toList();
        return "the models are " + String.join(", ", names);
    }

    private static @Nullable String segment(String[] segments, int index) {
        return segments.length > index && !segments[index].isEmpty() ? segments[index] : null;
    }

    private static @Nullable String parameter(
            QueryStringDecoder query, FullHttpRequest request, String name) {
        List<String> values = query.parameters().get(name);
        String value = values == null || values.isEmpty() ? null : values.get(0);
        if (value == null) {
            value = request.headers().get(name);
        }
        return value == null || value.isEmpty() ? null : value;
    }
}
