package io.greenroom.plugin.http;

import com.google.gson.JsonElement;
import io.greenroom.plugin.protocol.Answers;
import io.greenroom.plugin.protocol.ApiError;
import io.greenroom.plugin.protocol.Json;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;

/** Whole responses in JSON. */
final class Replies {

    private Replies() {}

    static FullHttpResponse json(int status, JsonElement json) {
        byte[] body = (Json.write(json) + "\n").getBytes(StandardCharsets.UTF_8);
        return of(HttpResponseStatus.valueOf(status), body);
    }

    static FullHttpResponse error(ApiError error) {
        FullHttpResponse response = json(error.status(), error.toJson());
        if (error.status() == 429 || error.status() == 503) {
            response.headers().set(HttpHeaderNames.RETRY_AFTER, "1");
        }
        return response;
    }

    /** What a URL that is only read says to any other method. */
    static FullHttpResponse onlyGet(HttpMethod method) {
        FullHttpResponse refused =
                error(
                        new ApiError(
                                405,
                                ApiError.INVALID_REQUEST,
                                "Only GET is accepted here, not " + method,
                                null,
                                null));
        refused.headers().set(HttpHeaderNames.ALLOW, "GET");
        return refused;
    }

    /** There is no such model; names those there are. */
    static FullHttpResponse unknownModel(ServerBridge server, String name) {
        String known = String.join(", ", server.models().stream().map(ServedModel::name).toList());
        return error(
                ApiError.unknownModel(
                        name, known.isEmpty() ? "no model is loaded" : "the models are " + known));
    }

    static FullHttpResponse of(HttpResponseStatus status, byte[] body) {
        FullHttpResponse response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, status, Unpooled.wrappedBuffer(body));
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, Answers.JSON);
        response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
        return response;
    }
}
