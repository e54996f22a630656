package io.greenroom.plugin.protocol;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import org.jspecify.annotations.Nullable;

/**
 * An error as OpenAI's clients know it.
 *
 * @param status HTTP status
 * @param type kind of error
 * @param message what was wrong, what is accepted
 * @param param the field of the request at fault, or null
 * @param code for programs, or null
 */
public record ApiError(
        int status, String type, String message, @Nullable String param, @Nullable String code) {

    /** The request is at fault. */
    public static final String INVALID_REQUEST = "invalid_request_error";

    /** The server has no room now. */
    public static final String OVERLOADED = "overloaded_error";

    /** The server is at fault. */
    public static final String SERVER_ERROR = "server_error";

    /** A field of the request is wrong. */
    public static ApiError invalid(@Nullable String param, String message) {
        return new ApiError(400, INVALID_REQUEST, message, param, null);
    }

    /** There is no such model. */
    public static ApiError unknownModel(String model, String known) {
        return new ApiError(
                404,
                INVALID_REQUEST,
                "The model \"" + Fields.shorten(model) + "\" does not exist; " + known,
                "model",
                "model_not_found");
    }

    /** No room in the queue. */
    public static ApiError overloaded(String message) {
        return new ApiError(429, OVERLOADED, message, null, "overloaded");
    }

    /** The model is being unloaded. */
    public static ApiError unloaded(String model) {
        return new ApiError(
                503,
                OVERLOADED,
                "The model \"" + model + "\" is being unloaded",
                null,
                "model_unloaded");
    }

    /** Something failed here. */
    public static ApiError internal(String message) {
        return new ApiError(500, SERVER_ERROR, message, null, null);
    }

    /** {@code {"error": {"message", "type", "param", "code"}}}. */
    public JsonObject toJson() {
        JsonObject error = new JsonObject();
        error.addProperty("message", message);
        error.addProperty("type", type);
        error.add("param", param == null ? JsonNull.INSTANCE : new JsonPrimitive(param));
        error.add("code", code == null ? JsonNull.INSTANCE : new JsonPrimitive(code));
        JsonObject root = new JsonObject();
        root.add("error", error);
        return root;
    }
}
