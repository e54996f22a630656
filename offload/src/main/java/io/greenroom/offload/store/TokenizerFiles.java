package io.greenroom.offload.store;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint says about text, as found; turning it into a tokenizer is the protocol's work.
 *
 * @param tokenizerJson content of tokenizer.json, or null
 * @param vocabulary the GGUF vocabulary, or null for Hugging Face folders
 * @param chatTemplate Jinja source of the chat template, or null
 * @param bosToken id of the begin-of-sequence token, or -1
 * @param addBos whether prompts begin with it when no template says so
 * @param endTokens ids that end a generation
 */
public record TokenizerFiles(
        @Nullable String tokenizerJson,
        @Nullable GgufVocabulary vocabulary,
        @Nullable String chatTemplate,
        int bosToken,
        boolean addBos,
        Set<Integer> endTokens) {

    /**
     * Vocabulary as stored in GGUF metadata under {@code tokenizer.ggml.*}.
     *
     * @param model kind of tokenizer: "gpt2" (byte-level BPE) or "llama" (SentencePiece)
     * @param pre name of the pre-tokenizer ("qwen2", "olmo", "default", ...)
     * @param tokens token texts by id
     * @param scores score by id; empty if absent
     * @param tokenTypes llama.cpp token type by id (3 = control, 4 = user defined, 6 = byte)
     * @param merges BPE merges, "left right", in rank order
     */
    public record GgufVocabulary(
            String model,
            String pre,
            List<String> tokens,
            float[] scores,
            int[] tokenTypes,
            List<String> merges) {}
}
