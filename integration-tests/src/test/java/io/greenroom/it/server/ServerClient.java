package io.greenroom.it.server;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** Speaks to a model server as clients do. */
public final class ServerClient {

    private static final long POLL_NANOS = 20_000_000;
    private static final long WAIT_NANOS = 30_000_000_000L;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final URI base;

    public ServerClient(URL url) {
        this.base = URI.create(url.toString());
    }

    URI uri(String path) {
        return base.resolve(path);
    }

    public HttpResponse<String> get(String path) {
        return send(HttpRequest.newBuilder(uri(path)));
    }

    HttpResponse<String> delete(String path) {
        return send(HttpRequest.newBuilder(uri(path)).DELETE());
    }

    HttpResponse<String> post(String path, String json) {
        return send(postRequest(path, json));
    }

    public HttpResponse<String> post(String path, JsonObject json) {
        return post(path, json.toString());
    }

    HttpResponse<String> put(String path, String json) {
        return send(
                HttpRequest.newBuilder(uri(path))
                        .header("Content-Type", "application/json")
                        .PUT(BodyPublishers.ofString(json)));
    }

    CompletableFuture<HttpResponse<String>> postAsync(String path, JsonObject json) {
        return http.sendAsync(postRequest(path, json.toString()).build(), BodyHandlers.ofString());
    }

    /** The answer's lines as they come; to be closed. */
    public Stream<String> postForLines(String path, JsonObject json) {
        try {
            HttpResponse<Stream<String>> answer =
                    http.send(postRequest(path, json.toString()).build(), BodyHandlers.ofLines());
            if (answer.statusCode() != 200) {
                throw new IllegalStateException(
                        answer.statusCode() + ": " + answer.body().toList());
            }
            return answer.body();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private HttpRequest.Builder postRequest(String path, String json) {
        return HttpRequest.newBuilder(uri(path))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(json));
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Loads a model from a folder, through the server's own management path. */
    HttpResponse<String> register(String name, Path folder) {
        String url = URLEncoder.encode(folder.toUri().toString(), StandardCharsets.UTF_8);
        return send(
                HttpRequest.newBuilder(uri("/models?model_name=" + name + "&url=" + url))
                        .POST(BodyPublishers.noBody()));
    }

    /** A model's memory, experts, requests and cache. */
    JsonObject status(String model) {
        return json(get("/moe/models/" + model));
    }

    /** Requests a model is working on, as {@code /moe/models/{m}} says. */
    int running(String model) {
        return status(model).getAsJsonObject("requests").get("running").getAsInt();
    }

    /** Waits for what the server will do by itself soon; fails if it does not. */
    public static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + WAIT_NANOS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("Not within 30 s: " + what);
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    public static JsonObject json(HttpResponse<String> answer) {
        return JsonParser.parseString(answer.body()).getAsJsonObject();
    }

    /** A chat of one question, decoded greedily. */
    public static JsonObject chat(String model, String question, int maxTokens) {
        JsonObject message = new JsonObject();
        message.addProperty("role", "user");
        message.addProperty("content", question);
        JsonArray messages = new JsonArray();
        messages.add(message);
        JsonObject request = new JsonObject();
        request.addProperty("model", model);
        request.add("messages", messages);
        request.addProperty("max_tokens", maxTokens);
        request.addProperty("temperature", 0);
        return request;
    }

    /** The same, streamed. */
    public static JsonObject streaming(JsonObject chat) {
        JsonObject request = chat.deepCopy();
        request.addProperty("stream", true);
        return request;
    }

    /** The chunks of a streamed chat without the closing {@code [DONE]}. */
    static List<JsonObject> chunks(List<String> lines) {
        return lines.stream()
                .filter(line -> line.startsWith("data:"))
                .map(line -> line.substring("data:".length()).strip())
                .filter(data -> !data.equals("[DONE]"))
                .map(data -> JsonParser.parseString(data).getAsJsonObject())
                .toList();
    }

    /** The text of a chunk, empty if it brings none. */
    static String delta(JsonObject chunk) {
        JsonArray choices = chunk.getAsJsonArray("choices");
        if (choices.isEmpty()) {
            return "";
        }
        JsonElement content =
                choices.get(0).getAsJsonObject().getAsJsonObject("delta").get("content");
        return content == null || content.isJsonNull() ? "" : content.getAsString();
    }

    /** Why a chat ended, or null if no chunk says so. */
    static String finishReason(List<JsonObject> chunks) {
        String reason = null;
        for (JsonObject chunk : chunks) {
            for (JsonElement choice : chunk.getAsJsonArray("choices")) {
                JsonElement finish = choice.getAsJsonObject().get("finish_reason");
                if (finish != null && !finish.isJsonNull()) {
                    reason = finish.getAsString();
                }
            }
        }
        return reason;
    }

    /** The text of a chat that was not streamed. */
    public static String content(JsonObject chat) {
        return chat.getAsJsonArray("choices")
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("message")
                .get("content")
                .getAsString();
    }
}
