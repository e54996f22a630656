package io.greenroom.plugin.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.plugin.telemetry.SinkStatus;
import io.greenroom.plugin.telemetry.UsageReporter;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.QueryStringDecoder;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What models there are: {@code GET /v1/models[/{model}]} for OpenAI's clients, {@code GET
 * /moe/models[/{model}]} for operators, with budget, residency and counters, and how telemetry is
 * doing.
 */
@Singleton
final class ModelsRoute implements Route {

    private static final String OPENAI = "/v1/models";
    private static final String OPERATORS = "/moe/models";

    private final ServerLink link;
    private final Supplier<List<SinkStatus>> sinks;

    @Inject
    ModelsRoute(ServerLink link, UsageReporter telemetry) {
        this(link, telemetry::sinks);
    }

    /**
     * @param sinks what becomes of usage records
     */
    ModelsRoute(ServerLink link, Supplier<List<SinkStatus>> sinks) {
        this.link = link;
        this.sinks = sinks;
    }

    @Override
    public boolean accepts(FullHttpRequest request, String path) {
        return link.bridge().isPresent() && (is(OPENAI, path) || is(OPERATORS, path));
    }

    private static boolean is(String root, String path) {
        return path.equals(root) || path.startsWith(root + "/");
    }

    @Override
    public void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        ServerBridge server = link.bridge().orElseThrow();
        server.send(ctx, answer(server, request, segments));
    }

    private FullHttpResponse answer(
            ServerBridge server, FullHttpRequest request, String[] segments) {
        if (!HttpMethod.GET.equals(request.method())) {
            return Replies.onlyGet(request.method());
        }
        boolean openAi = segments[1].equals("v1");
        if (segments.length <= 3) {
            return Replies.json(200, openAi ? openAiList(server.models()) : list(server.models()));
        }
        // A model's name may have slashes in OpenAI's world; here it has none.
        String name = segments[3];
        Optional<ServedModel> model =
                segments.length == 4 ? server.find(name, null) : Optional.empty();
        if (model.isEmpty()) {
            return Replies.unknownModel(server, name);
        }
        return Replies.json(200, openAi ? openAiModel(model.get()) : status(model.get()));
    }

    private static JsonObject openAiList(List<ServedModel> models) {
        JsonArray data = new JsonArray();
        models.forEach(model -> data.add(openAiModel(model)));
        JsonObject list = new JsonObject();
        list.addProperty("object", "list");
        list.add("data", data);
        return list;
    }

    private static JsonObject openAiModel(ServedModel served) {
        JsonObject model = new JsonObject();
        model.addProperty("id", served.name());
        model.addProperty("object", "model");
        model.addProperty("created", served.model().loadedAt().getEpochSecond());
        model.addProperty("owned_by", "greenroom");
        return model;
    }

    private JsonObject list(List<ServedModel> models) {
        JsonArray all = new JsonArray();
        models.forEach(model -> all.add(status(model)));
        JsonObject list = new JsonObject();
        list.add("models", all);
        list.add("telemetry", SinksJson.of(sinks.get()));
        return list;
    }

    private static JsonObject status(ServedModel served) {
        return ModelStatus.toJson(served.name(), served.version(), served.model());
    }
}
