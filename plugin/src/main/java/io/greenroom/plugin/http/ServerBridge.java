package io.greenroom.plugin.http;

import ai.djl.modality.Input;
import ai.djl.modality.Output;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpResponse;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What the request handlers need of the server they run in. One implementation for DJL Serving, one
 * for the embedded host. Thread-safe; nothing blocks.
 */
public interface ServerBridge {

    /** Loaded models of this engine, in the server's order. */
    List<ServedModel> models();

    /**
     * A loaded model of this engine.
     *
     * @param version null for whichever version the server would choose
     */
    Optional<ServedModel> find(String name, @Nullable String version);

    /** Whether the server knows a model by this name, of any engine and in any state. */
    boolean isRegistered(String name);

    /** The model a request means that names none, if the server has one. */
    Optional<String> defaultModel();

    /** Whether the server may load models that requests name by URL. */
    boolean loadsOnDemand();

    /**
     * Runs a request through the server's queue and worker. Completes with what the predictor
     * returned; exceptionally if the server refused, with a {@link RefusedException} where the
     * status is known.
     */
    CompletableFuture<Output> predict(String name, @Nullable String version, Input input);

    /**
     * Whether requests for inference are served on a local address, too. If that cannot be told, it
     * is true.
     */
    boolean servesInference(SocketAddress localAddress);

    /** Whether the server itself answers {@code /server/metrics}, as DJL Serving does. */
    default boolean showsMetrics() {
        return true;
    }

    /** The id the server gave to the request being handled on this channel. */
    String requestId(Channel channel);

    /**
     * Writes and flushes a response or the head of one, with the server's own headers and access
     * log entry. A full response with an error status closes the connection afterwards.
     */
    void send(ChannelHandlerContext ctx, HttpResponse response);
}
