package io.greenroom.plugin.protocol.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.offload.store.TokenizerFiles;
import io.greenroom.offload.store.TokenizerFiles.GgufVocabulary;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {

    private static final String MIXED =
            "the cat, the  hat\n\n12345 it's \u00e9t\u00e9 \u4e16\u754c \ud83c\udfad\ttabs  ";

    @ParameterizedTest
    @ValueSource(strings = {"default", "gpt-2", "qwen2", "olmo", "llama-bpe"})
    void byteLevelVocabulariesGoThereAndBack(String pre) throws Exception {
        try (Tokenizer tokenizer = open(TestVocabulary.byteLevel(pre))) {
            int[] tokens = tokenizer.encode(MIXED, true);

            assertThat(tokenizer.bytes().decode(tokens)).isEqualTo(MIXED);
            assertThat(tokens).hasSizeLessThan(MIXED.getBytes("UTF-8").length);
        }
    }

    @Test
    void digitsAreCutAsTheVocabularySays() throws Exception {
        try (Tokenizer single = open(TestVocabulary.byteLevel("qwen2"));
                Tokenizer triple = open(TestVocabulary.byteLevel("llama-bpe"))) {
            assertThat(single.encode("12", false)).containsExactly('1', '2');
            assertThat(triple.encode("12", false)).containsExactly(259);
        }
    }

    @Test
    void marksInTextBecomeMarksAndAreNotWritten() throws Exception {
        try (Tokenizer tokenizer = open(TestVocabulary.byteLevel("qwen2"))) {
            int[] tokens = tokenizer.encode("<|im_start|>the<tool><|im_end|>", false);

            assertThat(tokens).containsExactly(261, 257, 262, 260);
            assertThat(tokenizer.bytes().decode(tokens)).isEqualTo("the<tool>");
            assertThat(tokenizer.bytes().isSpecial(260)).isTrue();
            assertThat(tokenizer.bytes().isSpecial(262)).isFalse();
        }
    }

    @Test
    void longTextsAreNotCut() throws Exception {
        try (Tokenizer tokenizer = open(TestVocabulary.byteLevel("qwen2"))) {
            assertThat(tokenizer.encode("a ".repeat(3000), true)).hasSize(6000);
        }
    }

    @Test
    void sentencePieceFallsBackToBytes() throws Exception {
        try (Tokenizer tokenizer = open(TestVocabulary.sentencePiece())) {
            int[] tokens = tokenizer.encode("hi the \u20ac", false);

            assertThat(tokenizer.bytes().written(tokens[0])).isEqualTo(" hi");
            assertThat(tokenizer.bytes().written(tokens[1])).isEqualTo(" the");
            assertThat(tokens).hasSize(2 + 1 + 3);
            assertThat(tokenizer.bytes().decode(tokens)).isEqualTo("hi the \u20ac");
        }
    }

    @Test
    void theBeginMarkIsAddedWhenTheFileSaysSo() throws Exception {
        TokenizerFiles files =
                new TokenizerFiles(null, TestVocabulary.sentencePiece(), null, 1, true, Set.of(2));
        try (Tokenizer tokenizer = Tokenizer.open(files)) {
            assertThat(tokenizer.encode("hi", true)).startsWith(1);
            assertThat(tokenizer.encode("hi", false)).doesNotContain(1);
        }
    }

    @Test
    void unknownVocabulariesAreRefusedByName() {
        assertThatThrownBy(() -> open(TestVocabulary.byteLevel("tekken")))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("tokenizer.ggml.pre is \"tekken\"")
                .hasMessageContaining("qwen2")
                .hasMessageContaining("tokenizer.json");
        GgufVocabulary wordPiece =
                new GgufVocabulary(
                        "bert", "default", List.of("a"), new float[0], new int[0], List.of());
        assertThatThrownBy(() -> open(wordPiece))
                .hasMessage(
                        "The GGUF file's tokenizer.ggml.model is \"bert\"; supported are gpt2 and"
                                + " llama");
    }

    @Test
    void aCheckpointWithoutTokenizerIsRefused() {
        TokenizerFiles nothing = new TokenizerFiles(null, null, null, -1, false, Set.of());

        assertThatThrownBy(() -> Tokenizer.open(nothing))
                .hasMessageStartingWith("The checkpoint has no tokenizer");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{\"model\":{\"vocab\":{\"a\":-1}}}",
                "{\"model\":{\"vocab\":{\"a\":999999999}}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":\"x\"}}}",
                "{\"added_tokens\":[{\"id\":1}],\"decoder\":{\"type\":\"ByteLevel\"}}",
                "{\"added_tokens\":[3]}",
                "{\"model\":{\"type\":\"Unigram\"}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{}},\"decoder\":{\"type\":\"WordPiece\"}}",
            })
    void damagedTokenizersAreRefused(String json) {
        TokenizerFiles files = new TokenizerFiles(json, null, null, -1, false, Set.of());

        assertThatThrownBy(() -> Tokenizer.open(files))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("tokenizer.json");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "hi the ",
                "e\u0301",
                "\u1112\u1161\u11AB",
                "\uD83D\uDE00",
                "<|im_end|>"
            })
    void aTextHasAtLeastItsFewestTokens(String piece) throws Exception {
        try (Tokenizer tokenizer = open(TestVocabulary.byteLevel("qwen2"))) {
            String text = piece.repeat(500);

            assertThat(tokenizer.fewestTokens(text, 0))
                    .isLessThanOrEqualTo(tokenizer.encode(text, false).length);
            assertThat(tokenizer.fewestTokens(text, text.length())).isZero();
        }
    }

    @Test
    void encodingAfterCloseFailsCleanly() throws Exception {
        Tokenizer tokenizer = open(TestVocabulary.byteLevel("qwen2"));
        tokenizer.close();
        tokenizer.close();

        assertThatThrownBy(() -> tokenizer.encode("a", false))
                .isInstanceOf(IllegalStateException.class);
    }

    private static Tokenizer open(GgufVocabulary vocabulary) throws TokenizerException {
        return Tokenizer.open(TestVocabulary.files(vocabulary, null));
    }
}
