package io.greenroom.plugin.http;

import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.protocol.ApiError;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * {@code GET /moe/models/{model}/experts}: for each layer, which experts are in memory, how often
 * the router chose each, and how often it was found in memory.
 */
@Singleton
final class ExpertsRoute implements Route {

    private static final Pattern PATH = Pattern.compile("/moe/models/[^/]+/experts");

    private final ServerLink link;

    @Inject
    ExpertsRoute(ServerLink link) {
        this.link = link;
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
        server.send(
                ctx,
                HttpMethod.GET.equals(request.method())
                        ? answer(server, segments[3])
                        : Replies.onlyGet(request.method()));
    }

    private static FullHttpResponse answer(ServerBridge server, String name) {
        Optional<ServedModel> served = server.find(name, null);
        if (served.isEmpty()) {
            return Replies.unknownModel(server, name);
        }
        MoeModel model;
        try {
            model = served.get().model().moe();
        } catch (IllegalStateException e) { // closed meanwhile
            return Replies.error(ApiError.unloaded(name));
        }
        String json = ExpertsJson.rows(name, model.residency(), model.usage()) + "\n";
        return Replies.of(HttpResponseStatus.OK, json.getBytes(StandardCharsets.UTF_8));
    }
}
