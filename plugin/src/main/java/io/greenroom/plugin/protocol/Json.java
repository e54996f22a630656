package io.greenroom.plugin.protocol;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;

/** How the plugin writes JSON: on one line, nulls included, text not escaped for HTML. */
public final class Json {

    private static final Gson GSON =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private Json() {}

    public static String write(JsonElement element) {
        return GSON.toJson(element);
    }
}
