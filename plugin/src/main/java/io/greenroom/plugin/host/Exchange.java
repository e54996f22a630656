package io.greenroom.plugin.host;

import ai.djl.modality.Input;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.util.AttributeKey;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The request a connection is busy with. There is one at a time ({@link OneAtATime}), so it lives
 * with the channel. Its id also stands in the request's {@code x-request-id} header, where plugins
 * look for it.
 */
final class Exchange {

    static final String REQUEST_ID = "x-request-id";

    private static final AttributeKey<Exchange> KEY = AttributeKey.valueOf(Exchange.class, "now");

    private final String requestId;
    private final String uri;
    private volatile boolean keepAlive;
    private final CompletableFuture<Void> answered = new CompletableFuture<>();
    private volatile @Nullable Input input;

    private Exchange(String requestId, String uri, boolean keepAlive) {
        this.requestId = requestId;
        this.uri = uri;
        this.keepAlive = keepAlive;
    }

    /** Opens the exchange of a request that has just come in. */
    static Exchange begin(Channel channel, FullHttpRequest request) {
        String id = request.headers().get(REQUEST_ID);
        if (id == null || id.isBlank()) {
            id = UUID.randomUUID().toString();
            request.headers().set(REQUEST_ID, id);
        }
        Exchange exchange = new Exchange(id, request.uri(), HttpUtil.isKeepAlive(request));
        channel.attr(KEY).set(exchange);
        return exchange;
    }

    /** The exchange of a channel, or null before its first request. */
    static @Nullable Exchange of(Channel channel) {
        return channel.attr(KEY).get();
    }

    String requestId() {
        return requestId;
    }

    /** Whether the connection stays open after the answer. */
    boolean keepAlive() {
        return keepAlive;
    }

    /** The connection closes when the answer is out. */
    void endConnection() {
        keepAlive = false;
    }

    /** Whether the client expects errors as OpenAI words them. */
    boolean speaksOpenAi() {
        return uri.startsWith("/v1/");
    }

    /** Completes when the last byte of the answer has been sent. */
    CompletableFuture<Void> answered() {
        return answered;
    }

    /** Remembers what the model was given, so that it learns when the client leaves. */
    void given(Input given) {
        input = given;
    }

    /** The client is gone. */
    void cancel() {
        Input given = input;
        if (given != null) {
            given.setCancelled(true);
        }
    }
}
