package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a continuation is drawn. Values are checked where a client's are. */
final class SamplingSettings {

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "128",
            description = "Most tokens to produce (default: ${DEFAULT-VALUE}).")
    private int maxTokens = 128;

    @Option(
            names = {"-t", "--temperature"},
            paramLabel = "T",
            defaultValue = "0",
            description = "0 takes the likeliest token each time (default: ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(
            names = "--top-k",
            paramLabel = "K",
            description = "Draw from the K likeliest tokens only.")
    private @Nullable Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw from the likeliest tokens that together reach this probability.")
    private @Nullable Double topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Leave out tokens less likely than this share of the likeliest one.")
    private @Nullable Double minP;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the draw.")
    private @Nullable Long seed;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description = "End before this text; may be repeated.")
    private List<String> stop = new ArrayList<>();

    /** Adds the settings to a chat request. */
    void addToChat(JsonObject request) {
        request.addProperty("max_tokens", maxTokens);
        addCommon(request, "stop");
    }

    /** The parameters of a plain request. */
    JsonObject asParameters() {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("max_new_tokens", maxTokens);
        parameters.addProperty("do_sample", temperature > 0);
        parameters.addProperty("details", true);
        addCommon(parameters, "stop_sequences");
        return parameters;
    }

    private void addCommon(JsonObject to, String stopKey) {
        to.addProperty("temperature", temperature);
        addNumber(to, "top_k", topK);
        addNumber(to, "top_p", topP);
        addNumber(to, "min_p", minP);
        addNumber(to, "seed", seed);
        if (!stop.isEmpty()) {
            JsonArray texts = new JsonArray();
            stop.forEach(texts::add);
            to.add(stopKey, texts);
        }
    }

    private static void addNumber(JsonObject to, String key, @Nullable Number value) {
        if (value != null) {
            JsonElement number = new JsonPrimitive(value);
            to.add(key, number);
        }
    }
}
