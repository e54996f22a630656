package io.greenroom.plugin.protocol.text;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.greenroom.offload.store.TokenizerFiles.GgufVocabulary;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Writes the vocabulary of a GGUF file as the tokenizer.json it was made from, as far as the file
 * remembers. What it does not remember, the regular expression that cuts text into words, is known
 * by the name in {@code tokenizer.ggml.pre}.
 */
final class GgufTokenizerJson {

    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNKNOWN = 2;

    private static final String WORDS =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}%s|"
                    + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** How text is normalised and cut into words, by llama.cpp's name. */
    private enum Pre {
        /** GPT-2's own expression, which the ByteLevel step has built in. */
        GPT2(null, false, "default", "gpt-2", "gpt2", "mpt"),
        /** The same after NFC. */
        OLMO(null, true, "olmo", "dolma", "olmoe"),
        QWEN2(String.format(WORDS, ""), true, "qwen2", "deepseek-r1-qwen"),
        LLAMA3(
                String.format(WORDS, "{1,3}"),
                false,
                "llama-bpe",
                "llama3",
                "llama-v3",
                "dbrx",
                "smaug-bpe");

        private final @Nullable String words;
        private final boolean nfc;
        private final List<String> names;

        Pre(@Nullable String words, boolean nfc, String... names) {
            this.words = words;
            this.nfc = nfc;
            this.names = List.of(names);
        }

        static Pre named(String name) throws TokenizerException {
            TreeSet<String> known = new TreeSet<>();
            for (Pre pre : values()) {
                if (pre.names.contains(name)) {
                    return pre;
                }
                known.addAll(pre.names);
            }
            throw new TokenizerException(
                    "The GGUF file's tokenizer.ggml.pre is \""
                            + name
                            + "\"; supported are "
                            + String.join(", ", known)
                            + ". Put the model's tokenizer.json beside the file to use that instead");
        }
    }

    private GgufTokenizerJson() {}

    /**
     * Writes the JSON.
     *
     * @param bos id of the token that every text begins with, or -1
     * @throws TokenizerException naming what the file asks for and what is supported
     */
    static String write(GgufVocabulary vocabulary, int bos) throws TokenizerException {
        JsonObject root = new JsonObject();
        root.addProperty("version", "1.0");
        root.add("truncation", JsonNull.INSTANCE);
        root.add("padding", JsonNull.INSTANCE);
        root.add("added_tokens", addedTokens(vocabulary));
        switch (vocabulary.model()) {
            case "gpt2" -> byteLevel(root, vocabulary, Pre.named(vocabulary.pre()));
            case "llama" -> sentencePiece(root, vocabulary);
            default ->
                    throw new TokenizerException(
                            "The GGUF file's tokenizer.ggml.model is \""
                                    + vocabulary.model()
                                    + "\"; supported are gpt2 and llama");
        }
        root.add("post_processor", beginWith(vocabulary, bos));
        return root.toString();
    }

    private static void byteLevel(JsonObject root, GgufVocabulary vocabulary, Pre pre) {
        root.add("normalizer", pre.nfc ? typed("NFC") : JsonNull.INSTANCE);
        JsonObject bytes = typed("ByteLevel");
        bytes.addProperty("add_prefix_space", false);
        bytes.addProperty("trim_offsets", true);
        bytes.addProperty("use_regex", pre.words == null);
        if (pre.words == null) {
            root.add("pre_tokenizer", bytes);
        } else {
            JsonObject pattern = new JsonObject();
            pattern.addProperty("Regex", pre.words);
            JsonObject split = typed("Split");
            split.add("pattern", pattern);
            split.addProperty("behavior", "Isolated");
            split.addProperty("invert", false);
            root.add("pre_tokenizer", sequence("pretokenizers", split, bytes));
        }
        JsonObject decoder = typed("ByteLevel");
        decoder.addProperty("add_prefix_space", true);
        decoder.addProperty("trim_offsets", true);
        decoder.addProperty("use_regex", true);
        root.add("decoder", decoder);
        JsonArray merges = new JsonArray(vocabulary.merges().size());
        vocabulary.merges().forEach(merges::add);
        // Llama 3 takes a word that is a token as it is, even where merges would not build it.
        root.add("model", bpe(vocabulary, merges, false, pre == Pre.LLAMA3, null));
    }

    private static void sentencePiece(JsonObject root, GgufVocabulary vocabulary) {
        JsonObject prepend = typed("Prepend");
        prepend.addProperty("prepend", "\u2581");
        root.add("normalizer", sequence("normalizers", prepend, replace(" ", "\u2581")));
        root.add("pre_tokenizer", JsonNull.INSTANCE);
        JsonObject strip = typed("Strip");
        strip.addProperty("content", " ");
        strip.addProperty("start", 1);
        strip.addProperty("stop", 0);
        root.add(
                "decoder",
                sequence(
                        "decoders",
                        replace("\u2581", " "),
                        typed("ByteFallback"),
                        typed("Fuse"),
                        strip));
        int unknown = ofType(vocabulary, UNKNOWN);
        root.add(
                "model",
                bpe(
                        vocabulary,
                        mergesByScore(vocabulary),
                        true,
                        false,
                        unknown < 0 ? null : vocabulary.tokens().get(unknown)));
    }

    private static int ofType(GgufVocabulary vocabulary, int type) {
        for (int id = 0; id < vocabulary.tokenTypes().length; id++) {
            if (vocabulary.tokenTypes()[id] == type) {
                return id;
            }
        }
        return -1;
    }

    private static JsonObject bpe(
            GgufVocabulary vocabulary,
            JsonArray merges,
            boolean byteFallback,
            boolean ignoreMerges,
            @Nullable String unknown) {
        JsonObject vocab = new JsonObject();
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            String token = vocabulary.tokens().get(id);
            if (!vocab.has(token)) {
                vocab.addProperty(token, id);
            }
        }
        JsonObject model = typed("BPE");
        model.add("dropout", JsonNull.INSTANCE);
        model.add("unk_token", unknown == null ? JsonNull.INSTANCE : new JsonPrimitive(unknown));
        model.add("continuing_subword_prefix", JsonNull.INSTANCE);
        model.add("end_of_word_suffix", JsonNull.INSTANCE);
        model.addProperty("fuse_unk", byteFallback);
        model.addProperty("byte_fallback", byteFallback);
        model.addProperty("ignore_merges", ignoreMerges);
        model.add("vocab", vocab);
        model.add("merges", merges);
        return model;
    }

    private record Merge(String left, String right, float score) {}

    /**
     * The merges that a SentencePiece vocabulary implies: every way to build a token of two others,
     * best score first; the order Transformers' converter gives them.
     */
    private static JsonArray mergesByScore(GgufVocabulary vocabulary) {
        Map<String, Integer> ids = new HashMap<>();
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            ids.putIfAbsent(vocabulary.tokens().get(id), id);
        }
        List<Merge> merges = new ArrayList<>();
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            String token = vocabulary.tokens().get(id);
            float score = id < vocabulary.scores().length ? vocabulary.scores()[id] : 0;
            List<Merge> ways = new ArrayList<>();
            for (int cut = token.offsetByCodePoints(0, token.isEmpty() ? 0 : 1);
                    cut < token.length();
                    cut = token.offsetByCodePoints(cut, 1)) {
                String left = token.substring(0, cut);
                String right = token.substring(cut);
                if (ids.containsKey(left) && ids.containsKey(right)) {
                    ways.add(new Merge(left, right, score));
                }
            }
            ways.sort(
                    Comparator.<Merge>comparingInt(merge -> ids.getOrDefault(merge.left(), 0))
                            .thenComparingInt(merge -> ids.getOrDefault(merge.right(), 0)));
            merges.addAll(ways);
        }
        merges.sort(Comparator.comparingDouble(Merge::score).reversed());
        JsonArray array = new JsonArray(merges.size());
        for (Merge merge : merges) {
            JsonArray pair = new JsonArray(2);
            pair.add(merge.left());
            pair.add(merge.right());
            array.add(pair);
        }
        return array;
    }

    private static JsonArray addedTokens(GgufVocabulary vocabulary) {
        JsonArray added = new JsonArray();
        int typed = Math.min(vocabulary.tokens().size(), vocabulary.tokenTypes().length);
        for (int id = 0; id < typed; id++) {
            int type = vocabulary.tokenTypes()[id];
            if (type == CONTROL || type == USER_DEFINED || type == UNKNOWN) {
                JsonObject token = new JsonObject();
                token.addProperty("id", id);
                token.addProperty("content", vocabulary.tokens().get(id));
                token.addProperty("single_word", false);
                token.addProperty("lstrip", false);
                token.addProperty("rstrip", false);
                token.addProperty("normalized", false);
                token.addProperty("special", type != USER_DEFINED);
                added.add(token);
            }
        }
        return added;
    }

    private static JsonElement beginWith(GgufVocabulary vocabulary, int bos)
            throws TokenizerException {
        if (bos < 0) {
            return JsonNull.INSTANCE;
        }
        if (bos >= vocabulary.tokens().size()) {
            throw new TokenizerException(
                    "The GGUF file's begin token is "
                            + bos
                            + " but it has "
                            + vocabulary.tokens().size()
                            + " tokens");
        }
        String token = vocabulary.tokens().get(bos);
        JsonObject processor = typed("TemplateProcessing");
        processor.add("single", array(part("SpecialToken", token, 0), part("Sequence", "A", 0)));
        processor.add(
                "pair",
                array(
                        part("SpecialToken", token, 0),
                        part("Sequence", "A", 0),
                        part("Sequence", "B", 1)));
        JsonObject mark = new JsonObject();
        mark.addProperty("id", token);
        mark.add("ids", array(new JsonPrimitive(bos)));
        mark.add("tokens", array(new JsonPrimitive(token)));
        JsonObject marks = new JsonObject();
        marks.add(token, mark);
        processor.add("special_tokens", marks);
        return processor;
    }

    private static JsonObject part(String kind, String id, int type) {
        JsonObject inner = new JsonObject();
        inner.addProperty("id", id);
        inner.addProperty("type_id", type);
        JsonObject part = new JsonObject();
        part.add(kind, inner);
        return part;
    }

    private static JsonObject replace(String from, String to) {
        JsonObject pattern = new JsonObject();
        pattern.addProperty("String", from);
        JsonObject step = typed("Replace");
        step.add("pattern", pattern);
        step.addProperty("content", to);
        return step;
    }

    private static JsonObject sequence(String name, JsonObject... steps) {
        JsonObject sequence = typed("Sequence");
        sequence.add(name, array(steps));
        return sequence;
    }

    private static JsonObject typed(String type) {
        JsonObject object = new JsonObject();
        object.addProperty("type", type);
        return object;
    }

    private static JsonArray array(JsonElement... elements) {
        JsonArray array = new JsonArray(elements.length);
        for (JsonElement element : elements) {
            array.add(element);
        }
        return array;
    }
}
