package io.greenroom.plugin.http;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.greenroom.cache.BudgetExceededException;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.offload.decoder.BudgetChange;
import io.greenroom.plugin.protocol.ApiError;
import io.greenroom.plugin.protocol.RequestException;
import io.greenroom.plugin.protocol.RequestJson;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.concurrent.DefaultThreadFactory;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code PUT /moe/models/{model}/budget} with {@code {"expert_budget": "40%"}}: another expert
 * budget, while requests run. Answers when it is in force, with what was and what is.
 *
 * <p>It changes state, so it is for the management address. Where that is also the address for
 * inference, it is accepted on the loopback interface alone, unless a setting says otherwise.
 */
@Singleton
final class BudgetRoute implements Route {

    private static final Logger logger = LoggerFactory.getLogger(BudgetRoute.class);
    private static final Pattern PATH = Pattern.compile("/moe/models/[^/]+/budget");
    private static final String FIELD = "expert_budget";
    private static final int MAX_BODY = 4096;

    /** Longest wait until a smaller budget is reached; after that the answer says it is not. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final ServerLink link;
    private final StateChanges changes;

    /** Giving memory back takes longer than an event loop may. */
    private final Executor executor;

    @Inject
    BudgetRoute(ServerLink link, StateChanges changes) {
        this(
                link,
                changes,
                Executors.newSingleThreadExecutor(
                        new DefaultThreadFactory("greenroom-budget", true)));
    }

    BudgetRoute(ServerLink link, StateChanges changes, Executor executor) {
        this.link = link;
        this.changes = changes;
        this.executor = executor;
    }

    @Override
    public boolean accepts(FullHttpRequest request, String path) {
        return link.bridge().isPresent() && PATH.matcher(path).matches();
    }

    @Override
    public void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        ServerBridge server = link.bridge().orElseThrow();
        Optional<FullHttpResponse> refusal = refusal(server, ctx, request);
        if (refusal.isPresent()) {
            server.send(ctx, refusal.get());
            return;
        }
        String name = segments[3];
        byte[] body = ByteBufUtil.getBytes(request.content());
        executor.execute(() -> answer(server, ctx, name, body));
    }

    /** What is wrong with the request whatever it says. */
    private Optional<FullHttpResponse> refusal(
            ServerBridge server, ChannelHandlerContext ctx, FullHttpRequest request) {
        if (!HttpMethod.PUT.equals(request.method())) {
            FullHttpResponse refused =
                    error(405, "Only PUT is accepted here, not " + request.method());
            refused.headers().set(HttpHeaderNames.ALLOW, "PUT");
            return Optional.of(refused);
        }
        Optional<String> notHere = changes.refusal(server, ctx.channel().localAddress());
        if (notHere.isPresent()) {
            return Optional.of(error(403, notHere.get()));
        }
        if (request.content().readableBytes() > MAX_BODY) {
            return Optional.of(error(413, "The body is longer than " + MAX_BODY + " bytes"));
        }
        return Optional.empty();
    }

    private void answer(ServerBridge server, ChannelHandlerContext ctx, String name, byte[] body) {
        FullHttpResponse response;
        try {
            response = change(server, name, body);
        } catch (RequestException e) {
            response = Replies.error(e.error());
        } catch (BudgetExceededException | IllegalArgumentException e) {
            response = Replies.error(ApiError.invalid(FIELD, String.valueOf(e.getMessage())));
        } catch (IllegalStateException e) { // closed meanwhile
            response = Replies.error(ApiError.unloaded(name));
        } catch (RuntimeException | Error e) {
            logger.error("The budget of {} could not be changed", name, e);
            response = Replies.error(ApiError.internal(String.valueOf(e.getMessage())));
        }
        server.send(ctx, response);
    }

    private static FullHttpResponse change(ServerBridge server, String name, byte[] body)
            throws RequestException {
        Optional<ServedModel> model = server.find(name, null);
        if (model.isEmpty()) {
            return Replies.unknownModel(server, name);
        }
        ExpertBudget budget = budget(RequestJson.parse(body));
        long begun = System.nanoTime();
        BudgetChange change = model.get().model().moe().setBudget(budget);
        boolean reached = await(change);
        JsonObject json = new JsonObject();
        json.addProperty("model", name);
        json.addProperty(FIELD, change.budget().toString());
        json.add("before", size(change.before()));
        json.add("after", size(change.after()));
        json.addProperty("reached", reached);
        json.addProperty("millis", (System.nanoTime() - begun) / 1_000_000.0);
        return Replies.json(reached ? 200 : 202, json);
    }

    private static ExpertBudget budget(JsonObject body) throws RequestException {
        for (String field : body.keySet()) {
            if (!field.equals(FIELD)) {
                throw new RequestException(
                        ApiError.invalid(
                                field,
                                "There is no field \""
                                        + field
                                        + "\" here; send \""
                                        + FIELD
                                        + "\""));
            }
        }
        JsonElement value = body.get(FIELD);
        if (value == null || !value.isJsonPrimitive() || !value.getAsJsonPrimitive().isString()) {
            throw new RequestException(
                    ApiError.invalid(
                            FIELD,
                            "\""
                                    + FIELD
                                    + "\" must be a string: a size like \"6GiB\", a share like"
                                    + " \"40%\", or \"auto\""));
        }
        return ExpertBudget.parse(value.getAsString());
    }

    /** Whether the budget is in force. */
    private static boolean await(BudgetChange change) throws RequestException {
        try {
            return change.await(PATIENCE);
        } catch (CancellationException e) {
            throw new RequestException(
                    new ApiError(
                            409,
                            ApiError.INVALID_REQUEST,
                            "The change did not last: " + e.getMessage(),
                            FIELD,
                            null));
        }
    }

    private static JsonObject size(BudgetChange.Size size) {
        JsonObject json = new JsonObject();
        json.addProperty("bytes", size.bytes());
        json.addProperty("slots", size.slots());
        return json;
    }

    private static FullHttpResponse error(int status, String message) {
        return Replies.error(new ApiError(status, ApiError.INVALID_REQUEST, message, null, null));
    }
}
