package io.greenroom.plugin.protocol.text;

import io.greenroom.offload.store.TokenizerFiles;
import io.greenroom.offload.store.TokenizerFiles.GgufVocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Small vocabularies as GGUF files hold them. */
public final class TestVocabulary {

    /** Id of the end mark in {@link #byteLevel}. */
    public static final int END = 256 + 4;

    private TestVocabulary() {}

    /** All 256 bytes, four merges, and the marks of ChatML. */
    public static GgufVocabulary byteLevel(String pre) {
        List<String> tokens = new ArrayList<>();
        for (int b = 0; b < 256; b++) {
            tokens.add(letter(b));
        }
        tokens.addAll(List.of("th", "the", "\u0120the", "12", "<|im_end|>", "<|im_start|>"));
        tokens.add("<tool>");
        int[] types = new int[tokens.size()];
        java.util.Arrays.fill(types, 1);
        types[END] = 3;
        types[END + 1] = 3;
        types[END + 2] = 4;
        return new GgufVocabulary(
                "gpt2",
                pre,
                tokens,
                new float[0],
                types,
                List.of("t h", "th e", "\u0120 the", "1 2"));
    }

    /** A SentencePiece vocabulary with byte fallback. */
    public static GgufVocabulary sentencePiece() {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        for (int b = 0; b < 256; b++) {
            tokens.add(String.format("<0x%02X>", b));
        }
        tokens.addAll(
                List.of("\u2581", "h", "i", "t", "e", "\u2581h", "\u2581hi", "th", "\u2581t"));
        tokens.addAll(List.of("\u2581th", "\u2581the", "he"));
        float[] scores = new float[tokens.size()];
        int[] types = new int[tokens.size()];
        for (int id = 0; id < scores.length; id++) {
            scores[id] = id < 259 ? 0 : -id;
            types[id] = id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1;
        }
        return new GgufVocabulary("llama", "default", tokens, scores, types, List.of());
    }

    public static TokenizerFiles files(GgufVocabulary vocabulary, @Nullable String template) {
        return new TokenizerFiles(null, vocabulary, template, -1, false, Set.of(END));
    }

    private static String letter(int b) {
        boolean printable =
                (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
        if (printable) {
            return String.valueOf((char) b);
        }
        int letter = 256;
        for (int other = 0; other < b; other++) {
            boolean otherPrintable =
                    (other >= '!' && other <= '~')
                            || (other >= 0xA1 && other <= 0xAC)
                            || (other >= 0xAE && other <= 0xFF);
            letter += otherPrintable ? 0 : 1;
        }
        return String.valueOf((char) letter);
    }
}
