package io.greenroom.plugin.http;

import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.ndarray.BytesSupplier;
import io.greenroom.plugin.engine.AnswerBody;
import io.greenroom.plugin.protocol.ApiError;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer. The head is sent with the first piece of the answer, when its status
 * is certain. If the client leaves before the end, or reads too slowly, the answer is cancelled.
 *
 * <p>Pieces come on the model's scheduler thread, one at a time; writing to the channel from there
 * only queues.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write is a client that left: see closed
final class Exchange {

    private final ChannelHandlerContext ctx;
    private final ServerBridge server;
    private final Input input;
    private final long maxUnsent;
    private final AtomicLong unsent = new AtomicLong();
    private final ChannelFutureListener closed = future -> clientLeft();
    private @Nullable AnswerBody body;
    private boolean left;
    private boolean headSent;

    Exchange(ChannelHandlerContext ctx, ServerBridge server, Input input, long maxUnsent) {
        this.ctx = ctx;
        this.server = server;
        this.input = input;
        this.maxUnsent = maxUnsent;
    }

    /** Hands the request to the server's queue. */
    void start(String model, @Nullable String version) {
        ctx.channel().closeFuture().addListener(closed);
        server.predict(model, version, input)
                .whenComplete(
                        (output, failure) -> {
                            if (output != null) {
                                answer(output);
                            } else {
                                refuse(failure);
                            }
                        });
    }

    private void answer(Output output) {
        BytesSupplier data = output.getData();
        if (!(data instanceof AnswerBody answer)) {
            byte[] whole = data == null ? new byte[0] : data.getAsBytes();
            finish(whole(output, whole));
            return;
        }
        boolean cancel;
        synchronized (this) {
            body = answer;
            cancel = left;
        }
        if (cancel) {
            answer.cancel();
            return;
        }
        answer.subscribe(piece -> piece(output, answer, piece));
    }

    private void piece(Output output, AnswerBody answer, byte @Nullable [] piece) {
        if (piece == null) {
            if (headSent) {
                ctx.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
                end();
            }
            return;
        }
        if (!headSent && (!answer.isStreamed() || output.getCode() >= 400)) {
            finish(whole(output, piece));
            return;
        }
        if (!headSent) {
            headSent = true;
            server.send(
                    ctx,
                    withHeaders(
                            new DefaultHttpResponse(HttpVersion.HTTP_1_1, status(output)), output));
        }
        if (unsent.addAndGet(piece.length) > maxUnsent) {
            answer.cancel();
            ctx.close();
            return;
        }
        ctx.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(piece)))
                .addListener(future -> unsent.addAndGet(-piece.length));
    }

    private void refuse(@Nullable Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        String message = cause == null ? "no answer" : String.valueOf(cause.getMessage());
        int status = cause instanceof RefusedException refused ? refused.status() : 500;
        ApiError error =
                status == 503 || status == 429
                        ? new ApiError(status, ApiError.OVERLOADED, message, null, "overloaded")
                        : status < 500
                                ? new ApiError(
                                        status, ApiError.INVALID_REQUEST, message, null, null)
                                : ApiError.internal(message);
        finish(Replies.error(error));
    }

    private void finish(FullHttpResponse response) {
        server.send(ctx, response);
        end();
    }

    private void end() {
        ctx.channel().closeFuture().removeListener(closed);
    }

    private void clientLeft() {
        AnswerBody answer;
        synchronized (this) {
            left = true;
            answer = body;
        }
        // Skipped if it is still in the server's queue.
        input.setCancelled(true);
        if (answer != null) {
            answer.cancel();
        }
    }

    private static FullHttpResponse whole(Output output, byte[] body) {
        return withHeaders(Replies.of(status(output), body), output);
    }

    private static HttpResponseStatus status(Output output) {
        return HttpResponseStatus.valueOf(output.getCode());
    }

    private static <R extends HttpResponse> R withHeaders(R response, Output output) {
        output.getProperties().forEach((name, value) -> response.headers().set(name, value));
        if (!(response instanceof FullHttpResponse)) {
            response.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        }
        return response;
    }
}
