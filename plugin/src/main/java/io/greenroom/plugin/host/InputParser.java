package io.greenroom.plugin.host;

import ai.djl.modality.Input;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.multipart.Attribute;
import io.netty.handler.codec.http.multipart.DefaultHttpDataFactory;
import io.netty.handler.codec.http.multipart.FileUpload;
import io.netty.handler.codec.http.multipart.HttpPostRequestDecoder;
import io.netty.handler.codec.http.multipart.InterfaceHttpData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Makes a DJL input of a request as the server does: query parameters and form fields become
 * content, headers become properties, any other body the content {@code data}.
 */
final class InputParser {

    private InputParser() {}

    static Input parse(FullHttpRequest request, QueryStringDecoder query) {
        Input input = new Input();
        query.parameters().forEach((key, values) -> values.forEach(v -> input.add(key, v)));
        request.headers().forEach(entry -> input.addProperty(entry.getKey(), entry.getValue()));
        if (input.getProperties().containsKey("handler")) {
            throw new HostException(
                    HttpResponseStatus.BAD_REQUEST, "The handler can't be overridden in a request");
        }
        CharSequence type = HttpUtil.getMimeType(request);
        if (HttpPostRequestDecoder.isMultipart(request)
                || HttpHeaderValues.APPLICATION_X_WWW_FORM_URLENCODED.contentEqualsIgnoreCase(
                        type)) {
            addForm(request, input);
        } else {
            input.add("data", ByteBufUtil.getBytes(request.content()));
        }
        return input;
    }

    private static void addForm(FullHttpRequest request, Input input) {
        // The body is in memory already, so its fields may be.
        HttpPostRequestDecoder form;
        try {
            form =
                    new HttpPostRequestDecoder(
                            new DefaultHttpDataFactory(false), request, StandardCharsets.UTF_8);
        } catch (HttpPostRequestDecoder.ErrorDataDecoderException e) {
            throw badForm(e);
        }
        try {
            for (InterfaceHttpData field : form.getBodyHttpDatas()) {
                if (field instanceof Attribute attribute) {
                    input.add(field.getName(), attribute.getValue());
                } else if (field instanceof FileUpload upload) {
                    input.add(field.getName(), upload.get());
                }
            }
        } catch (HttpPostRequestDecoder.NotEnoughDataDecoderException
                | HttpPostRequestDecoder.ErrorDataDecoderException e) {
            throw badForm(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            form.destroy();
        }
    }

    private static HostException badForm(Exception e) {
        return new HostException(
                HttpResponseStatus.BAD_REQUEST,
                "The request's form cannot be read: "
                        + e.getMessage()
                        + " (for JSON, send Content-Type: application/json)",
                e);
    }
}
