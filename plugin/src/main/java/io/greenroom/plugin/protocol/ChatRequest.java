package io.greenroom.plugin.protocol;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.ToNumberPolicy;
import com.google.gson.reflect.TypeToken;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A request to {@code /v1/chat/completions}.
 *
 * @param model the model's name as the client wrote it, or null
 * @param messages the conversation, each message as the chat template sees it
 * @param settings how to answer
 * @param stream whether the answer comes piece by piece
 * @param includeUsage whether a stream ends with a count of tokens
 * @param templateArguments further variables for the chat template
 */
public record ChatRequest(
        @Nullable String model,
        List<Map<String, Object>> messages,
        GenerationSettings settings,
        boolean stream,
        boolean includeUsage,
        Map<String, Object> templateArguments)
        implements TextRequest {

    private static final int MAX_MESSAGES = 10_000;
    private static final String ROLES =
            "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"";
    private static final List<String> KNOWN_ROLES =
            List.of("system", "developer", "user", "assistant", "tool");

    private static final Gson GSON =
            new GsonBuilder().setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE).create();
    private static final TypeToken<Map<String, Object>> MAP = new TypeToken<>() {};

    /** What some clients ask for and this server cannot do; silence would mislead them. */
    private static final Map<String, List<String>> REFUSED =
            Map.of(
                    "logprobs", List.of("false"),
                    "top_logprobs", List.of("0"),
                    "logit_bias", List.of("{}"),
                    "tools", List.of("[]"),
                    "functions", List.of("[]"),
                    "tool_choice", List.of("\"none\"", "\"auto\""),
                    "function_call", List.of("\"none\"", "\"auto\""),
                    "response_format", List.of("{\"type\":\"text\"}"),
                    "modalities", List.of("[\"text\"]"),
                    "n", List.of("1"));

    /**
     * Reads and checks a request. Fields that are not known are ignored, as OpenAI's clients send
     * ever more of them.
     *
     * @throws RequestException naming the field, its value and what is accepted
     */
    static ChatRequest read(JsonObject json, RandomGenerator random) throws RequestException {
        Fields fields = new Fields(json, "");
        for (Map.Entry<String, List<String>> refused : REFUSED.entrySet()) {
            JsonElement value = fields.get(refused.getKey());
            if (value != null && !refused.getValue().contains(value.toString())) {
                throw fields.wrong(
                        refused.getKey(),
                        value,
                        "no value but "
                                + String.join(" or ", refused.getValue())
                                + ": this server supports nothing else");
            }
        }
        String model = fields.string("model");
        List<Map<String, Object>> messages = messages(fields);
        boolean stream = fields.bool("stream", false);
        Fields options = fields.object("stream_options");
        if (options != null && !stream) {
            throw fields.refused("stream_options", "is given", "it only with \"stream\": true");
        }
        String limit =
                fields.get("max_completion_tokens") != null
                        ? "max_completion_tokens"
                        : "max_tokens";
        int maxTokens = (int) fields.integer(limit, 0, 1, Integer.MAX_VALUE);
        return new ChatRequest(
                model,
                messages,
                GenerationSettings.read(fields, maxTokens, 1, random),
                stream,
                options != null && options.bool("include_usage", false),
                templateArguments(fields));
    }

    private static Map<String, Object> templateArguments(Fields fields) throws RequestException {
        Fields arguments = fields.object("chat_template_kwargs");
        Map<String, Object> plain = new LinkedHashMap<>();
        if (arguments == null) {
            return plain;
        }
        for (String name : arguments.json().keySet()) {
            JsonElement value = arguments.get(name);
            if (value == null) {
                continue;
            }
            if (!(value instanceof JsonPrimitive)) {
                throw arguments.wrong(name, value, "a string, a number, true or false");
            }
            plain.put(name, GSON.fromJson(value, Object.class));
        }
        return plain;
    }

    private static List<Map<String, Object>> messages(Fields fields) throws RequestException {
        JsonElement value = fields.get("messages");
        String accepted = "an array of messages, each with a \"role\" and a \"content\"";
        if (value == null) {
            throw fields.missing("messages", accepted);
        }
        if (!(value instanceof JsonArray array)) {
            throw fields.wrong("messages", value, accepted);
        }
        if (array.isEmpty() || array.size() > MAX_MESSAGES) {
            throw fields.refused(
                    "messages",
                    "has " + array.size() + " messages",
                    "1 to " + MAX_MESSAGES + " messages");
        }
        List<Map<String, Object>> messages = new ArrayList<>(array.size());
        for (int i = 0; i < array.size(); i++) {
            JsonElement element = array.get(i);
            String place = "messages[" + i + "]";
            if (!(element instanceof JsonObject object)) {
                throw fields.wrong(place, element, "an object with a \"role\" and a \"content\"");
            }
            messages.add(message(new Fields(object, place + ".")));
        }
        return messages;
    }

    private static Map<String, Object> message(Fields fields) throws RequestException {
        String role = fields.string("role");
        if (role == null) {
            throw fields.missing("role", ROLES);
        }
        if (!KNOWN_ROLES.contains(role)) {
            throw fields.refused("role", "is \"" + Fields.shorten(role) + "\"", ROLES);
        }
        Map<String, Object> message = new LinkedHashMap<>(GSON.fromJson(fields.json(), MAP));
        message.values().removeIf(java.util.Objects::isNull);
        // OpenAI's newer name for what every template calls the system's message
        message.put("role", role.equals("developer") ? "system" : role);
        message.put("content", content(fields, role));
        return message;
    }

    private static String content(Fields fields, String role) throws RequestException {
        JsonElement content = fields.get("content");
        String accepted = "a string, or an array of {\"type\": \"text\", \"text\": ...}";
        if (content == null) {
            if (role.equals("assistant") && fields.get("tool_calls") != null) {
                return "";
            }
            throw fields.missing("content", accepted);
        }
        if (Fields.isString(content)) {
            return content.getAsString();
        }
        if (!(content instanceof JsonArray parts)) {
            throw fields.wrong("content", content, accepted);
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            String place = "content[" + i + "]";
            if (!(parts.get(i) instanceof JsonObject object)) {
                throw fields.wrong(place, parts.get(i), "{\"type\": \"text\", \"text\": ...}");
            }
            Fields part = new Fields(object, fields.name(place) + ".");
            String type = part.string("type");
            if (!"text".equals(type)) {
                throw part.refused(
                        "type",
                        "is " + (type == null ? "missing" : "\"" + Fields.shorten(type) + "\""),
                        "\"text\": this model reads nothing else");
            }
            String piece = part.string("text");
            if (piece == null) {
                throw part.missing("text", "a string");
            }
            text.append(text.isEmpty() ? "" : "\n").append(piece);
        }
        return text.toString();
    }
}
