package io.greenroom.offload.store;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Gathers what a Transformers folder says about text from its five possible files. */
final class HuggingFaceTokenizer {

    private static final long MAX_JSON_BYTES = 16 << 20;

    private HuggingFaceTokenizer() {}

    static TokenizerFiles read(Path folder, int vocabulary) throws CheckpointException {
        SideFiles beside = SideFiles.in(folder);
        Set<Integer> ends = new HashSet<>();
        int bos = -1;
        // what generation_config.json says replaces what config.json says
        for (String name : List.of("config.json", "generation_config.json")) {
            Path file = folder.resolve(name);
            Problems problems = new Problems(file);
            JsonFields fields = fields(file, problems);
            if (fields == null) {
                continue;
            }
            List<Integer> own = fields.integers("eos_token_id", 0, vocabulary - 1L);
            if (!own.isEmpty()) {
                ends.clear();
                ends.addAll(own);
            }
            bos = fields.integer("bos_token_id", 0, vocabulary - 1L).orElse(bos);
            problems.throwIfAny();
        }
        Path file = folder.resolve("tokenizer_config.json");
        Problems problems = new Problems(file);
        JsonFields fields = fields(file, problems);
        String template = beside.chatTemplate();
        boolean addBos = false;
        if (fields != null) {
            boolean llama =
                    fields.string("tokenizer_class").orElse("").startsWith("LlamaTokenizer");
            addBos = fields.bool("add_bos_token", llama);
            if (template == null) {
                template = chatTemplate(fields);
            }
            if (bos < 0) {
                bos = declaredBos(fields, beside.tokenizerJson(), vocabulary);
            }
            problems.throwIfAny();
        }
        return new TokenizerFiles(
                beside.tokenizerJson(), null, template, bos, addBos && bos >= 0, Set.copyOf(ends));
    }

    private static @Nullable JsonFields fields(Path file, Problems problems)
            throws CheckpointException {
        return Files.exists(file)
                ? new JsonFields(StrictJson.readObject(file, MAX_JSON_BYTES), problems)
                : null;
    }

    /**
     * The begin token where only the tokenizer names it, by its text: as a string, or as an object
     * with that as its content. Templates write it.
     */
    private static int declaredBos(
            JsonFields fields, @Nullable String tokenizerJson, int vocabulary) {
        JsonElement named = fields.get("bos_token");
        String text =
                named instanceof JsonObject object
                        ? text(object, "content")
                        : named != null && JsonFields.isString(named) ? named.getAsString() : null;
        if (text == null || tokenizerJson == null) {
            return -1;
        }
        int id = AddedTokens.id(tokenizerJson, text).orElse(-1);
        return id < vocabulary ? id : -1;
    }

    /** A string, or a list of named templates of which "default" is for chat. */
    private static @Nullable String chatTemplate(JsonFields fields) {
        JsonElement template = fields.get("chat_template");
        if (template == null) {
            return null;
        }
        if (JsonFields.isString(template)) {
            return template.getAsString();
        }
        if (template instanceof JsonArray named) {
            for (JsonElement element : named) {
                if (element instanceof JsonObject object
                        && "default".equals(text(object, "name"))) {
                    String text = text(object, "template");
                    if (text != null) {
                        return text;
                    }
                }
            }
        }
        fields.wrong(
                "chat_template",
                template,
                "a string, or a list of {\"name\", \"template\"} with one named \"default\"");
        return null;
    }

    private static @Nullable String text(JsonObject object, String key) {
        JsonElement value = object.get(key);
        return value != null && JsonFields.isString(value) ? value.getAsString() : null;
    }
}
