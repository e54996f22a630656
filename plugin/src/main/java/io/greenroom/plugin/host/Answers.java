package io.greenroom.plugin.host;

import ai.djl.ModelException;
import ai.djl.inference.streaming.ChunkedBytesSupplier;
import ai.djl.inference.streaming.PublisherBytesSupplier;
import ai.djl.modality.Output;
import ai.djl.ndarray.BytesSupplier;
import ai.djl.translate.TranslateException;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.greenroom.plugin.protocol.ApiError;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns results and failures into HTTP answers, with the server's statuses. Any thread. */
@SuppressWarnings("FutureReturnValueIgnored") // the stream's end is written by its subscriber
final class Answers {

    private static final Logger logger = LoggerFactory.getLogger(Answers.class);
    private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

    private Answers() {}

    /** Answers with an object as JSON. */
    static void json(Channel channel, HttpResponseStatus status, Object body) {
        send(channel, jsonResponse(status, GSON.toJson(body)));
    }

    /** Answers with a model's output: whole, or streamed if that is what it holds. */
    static void output(Channel channel, Output output) {
        HttpResponseStatus status =
                output.getCode() == 200
                        ? HttpResponseStatus.OK
                        : new HttpResponseStatus(output.getCode(), printable(output.getMessage()));
        BytesSupplier data = output.getData();
        if (data instanceof PublisherBytesSupplier publisher) {
            HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, status);
            addHeaders(head, output.getProperties());
            send(channel, head);
            publisher.subscribe(new StreamedAnswer(channel));
            return;
        }
        if (data instanceof ChunkedBytesSupplier) {
            failure(
                    channel,
                    new IllegalStateException(
                            "the embedded host streams PublisherBytesSupplier only"));
            return;
        }
        byte[] body = data == null ? new byte[0] : data.getAsBytes();
        FullHttpResponse response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, status, Unpooled.wrappedBuffer(body));
        addHeaders(response, output.getProperties());
        send(channel, response);
    }

    /** Answers with the status the server would give for this exception. */
    static void failure(Channel channel, Throwable thrown) {
        Throwable t =
                thrown instanceof CompletionException && thrown.getCause() != null
                        ? thrown.getCause()
                        : thrown;
        HttpResponseStatus status = statusOf(t);
        if (t instanceof HostException) {
            logger.debug("{} {}", status.code(), t.getMessage());
        } else if (status.code() >= 500) {
            logger.warn("{} {}", status.code(), t.getMessage(), t);
        }
        String message = t.getMessage() == null ? t.toString() : t.getMessage();
        Exchange exchange = Exchange.of(channel);
        boolean openAi = exchange != null && exchange.speaksOpenAi();
        send(channel, error(status, t.getClass().getSimpleName(), message, openAi));
    }

    private static HttpResponseStatus statusOf(Throwable t) {
        if (t instanceof HostException e) {
            return HttpResponseStatus.valueOf(e.status());
        }
        if (t instanceof TranslateException || t instanceof ModelException) {
            return HttpResponseStatus.BAD_REQUEST;
        }
        if (t instanceof IllegalArgumentException) {
            return HttpResponseStatus.CONFLICT;
        }
        return HttpResponseStatus.INTERNAL_SERVER_ERROR;
    }

    /**
     * An error as the server words it, or as OpenAI does.
     *
     * @param type the name of what went wrong
     */
    static FullHttpResponse error(
            HttpResponseStatus status, String type, String message, boolean openAi) {
        JsonObject body;
        if (openAi) {
            String kind = status.code() < 500 ? ApiError.INVALID_REQUEST : ApiError.SERVER_ERROR;
            body = new ApiError(status.code(), kind, message, null, type).toJson();
        } else {
            body = new JsonObject();
            body.addProperty("code", status.code());
            body.addProperty("type", type);
            body.addProperty("message", message);
        }
        return jsonResponse(status, GSON.toJson(body));
    }

    private static FullHttpResponse jsonResponse(HttpResponseStatus status, String json) {
        FullHttpResponse response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        status,
                        Unpooled.copiedBuffer(json + '\n', StandardCharsets.UTF_8));
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON);
        return response;
    }

    /**
     * Sends a complete answer or the head of a streamed one. The connection closes after the answer
     * if the client wishes it or it is an error.
     */
    static void send(Channel channel, HttpResponse response) {
        if (response instanceof FullHttpResponse full) {
            HttpUtil.setContentLength(full, full.content().readableBytes());
        } else {
            HttpUtil.setTransferEncodingChunked(response, true);
        }
        Exchange exchange = Exchange.of(channel);
        if (exchange != null) {
            response.headers().set(Exchange.REQUEST_ID, exchange.requestId());
            if (response.status().code() >= 400) {
                exchange.endConnection();
            }
        }
        response.headers().set(HttpHeaderNames.CACHE_CONTROL, "no-cache, no-store");
        HttpUtil.setKeepAlive(response, exchange != null && exchange.keepAlive());
        channel.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
    }

    private static void addHeaders(HttpResponse response, Map<String, String> properties) {
        properties.forEach((name, value) -> response.headers().set(name, printable(value)));
    }

    /** A header or reason phrase cannot hold line breaks; text of a model's may. */
    private static String printable(String text) {
        return text.replaceAll("[\\p{Cntrl}]", " ");
    }
}
