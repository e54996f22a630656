package io.greenroom.plugin.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Optional;

/** Finds the route of a request. */
@Singleton
final class Routes {

    private final List<Route> routes;

    @Inject
    Routes(
            InferenceRoute inference,
            BudgetRoute budgets,
            ExpertsRoute experts,
            ModelsRoute models,
            MetricsRoute metrics,
            EventsRoute events,
            DashboardRoute dashboard) {
        this.routes = List.of(inference, budgets, experts, models, metrics, events, dashboard);
    }

    boolean accepts(FullHttpRequest request) {
        return find(request).isPresent();
    }

    void handle(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            QueryStringDecoder query,
            String[] segments) {
        find(request).orElseThrow().handle(ctx, request, query, segments);
    }

    private Optional<Route> find(FullHttpRequest request) {
        String path = path(request.uri());
        for (Route route : routes) {
            if (route.accepts(request, path)) {
                return Optional.of(route);
            }
        }
        return Optional.empty();
    }

    private static String path(String uri) {
        int query = uri.indexOf('?');
        String path = query < 0 ? uri : uri.substring(0, query);
        return path.length() > 1 && path.endsWith("/")
                ? path.substring(0, path.length() - 1)
                : path;
    }
}
