package io.greenroom.plugin.host;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * {@code /models}: list, load, describe and unload, as the server has them. Loading and unloading
 * take time and happen on the given executor.
 */
@Sharable
final class ManagementRoute extends Route {

    private final HostedModels models;
    private final Executor executor;

    ManagementRoute(HostedModels models, Executor executor) {
        this.models = models;
        this.executor = executor;
    }

    @Override
    boolean accepts(FullHttpRequest request, String[] segments) {
        return segments.length >= 2 && segments.length <= 4 && segments[1].equals("models");
    }

    @Override
    void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        Channel channel = ctx.channel();
        HttpMethod method = request.method();
        String name = segment(segments, 2);
        if (method.equals(HttpMethod.OPTIONS)) {
            Answers.json(channel, HttpResponseStatus.OK, Map.of());
        } else if (method.equals(HttpMethod.GET)) {
            Answers.json(channel, HttpResponseStatus.OK, name.isEmpty() ? list() : describe(name));
        } else if (method.equals(HttpMethod.POST) && name.isEmpty()) {
            refuseForeignPages(request);
            register(channel, request, query);
        } else if (method.equals(HttpMethod.DELETE) && !name.isEmpty()) {
            refuseForeignPages(request);
            later(
                    channel,
                    () -> {
                        models.unload(name);
                        return "Model or workflow \"" + name + "\" unregistered";
                    });
        } else {
            throw new HostException(
                    HttpResponseStatus.METHOD_NOT_ALLOWED,
                    method + " is not possible on " + query.path());
        }
    }

    /**
     * A page from elsewhere, open in the operator's browser, must not load or unload models on the
     * operator's own machine. Browsers say where a request comes from; other clients do not.
     */
    private static void refuseForeignPages(FullHttpRequest request) {
        String origin = request.headers().get(HttpHeaderNames.ORIGIN);
        if (origin == null) {
            return;
        }
        String host = request.headers().get(HttpHeaderNames.HOST, "");
        String from;
        try {
            from = URI.create(origin).getRawAuthority();
        } catch (IllegalArgumentException e) {
            from = null;
        }
        if (!host.equalsIgnoreCase(from)) {
            throw new HostException(
                    HttpResponseStatus.FORBIDDEN,
                    "Models are not managed by pages of another site (" + origin + ")");
        }
    }

    private Map<String, Object> list() {
        return Map.of("models", models.all().stream().map(ManagementRoute::item).toList());
    }

    private List<Map<String, Object>> describe(String name) {
        HostedModel model = models.get(name).orElseThrow(() -> HostedModels.notFound(name));
        Map<String, Object> description = new LinkedHashMap<>(item(model));
        description.put("queueLength", model.queued());
        description.put("workers", model.workers());
        return List.of(description);
    }

    private static Map<String, Object> item(HostedModel model) {
        Map<String, Object> item = new LinkedHashMap<>();
        item.put("modelName", model.definition().name());
        item.put("modelUrl", model.definition().path().toUri().toString());
        item.put("status", model.healthy() ? "READY" : "FAILED");
        return item;
    }

    private void register(Channel channel, FullHttpRequest request, QueryStringDecoder query) {
        Map<String, String> parameters = parameters(request, query);
        String url = parameters.get("url");
        if (url == null || url.isBlank()) {
            throw new HostException(HttpResponseStatus.BAD_REQUEST, "Parameter url is required.");
        }
        Path path;
        try {
            path = ModelDefinition.pathOf(url);
        } catch (IllegalArgumentException e) {
            throw new HostException(HttpResponseStatus.BAD_REQUEST, String.valueOf(e.getMessage()));
        }
        String name = parameters.getOrDefault("model_name", ModelDefinition.nameOf(path));
        String engine = parameters.get("engine");
        later(
                channel,
                () -> {
                    models.load(definition(name, path, engine));
                    return "Model \"" + name + "\" registered.";
                });
    }

    private static ModelDefinition definition(String name, Path path, @Nullable String engine) {
        try {
            ModelDefinition definition = ModelDefinition.read(name, path);
            return engine == null ? definition : definition.withArgument("engine", engine);
        } catch (NoSuchFileException e) {
            throw new HostException(
                    HttpResponseStatus.NOT_FOUND, "No model at " + e.getMessage(), e);
        } catch (IOException e) {
            throw new HostException(
                    HttpResponseStatus.INTERNAL_SERVER_ERROR, "Cannot read " + path + ": " + e, e);
        }
    }

    private static Map<String, String> parameters(
            FullHttpRequest request, QueryStringDecoder query) {
        Map<String, String> parameters = new LinkedHashMap<>();
        query.parameters().forEach((key, values) -> parameters.put(key, values.get(0)));
        CharSequence type = HttpUtil.getMimeType(request);
        String body = request.content().toString(StandardCharsets.UTF_8);
        if (HttpHeaderValues.APPLICATION_JSON.contentEqualsIgnoreCase(type) && !body.isBlank()) {
            try {
                for (Map.Entry<String, JsonElement> entry :
                        JsonParser.parseString(body).getAsJsonObject().entrySet()) {
                    if (!entry.getValue().isJsonNull()) {
                        parameters.put(entry.getKey(), entry.getValue().getAsString());
                    }
                }
            } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
                throw new HostException(
                        HttpResponseStatus.BAD_REQUEST,
                        "The body is not a JSON object of plain values: " + e.getMessage(),
                        e);
            }
        }
        return parameters;
    }

    private void later(Channel channel, Supplier<String> work) {
        executor.execute(
                () -> {
                    try {
                        Answers.json(channel, HttpResponseStatus.OK, Map.of("status", work.get()));
                    } catch (RuntimeException | Error e) {
                        Answers.failure(channel, e);
                    }
                });
    }
}
