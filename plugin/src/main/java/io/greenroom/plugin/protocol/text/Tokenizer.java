package io.greenroom.plugin.protocol.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.greenroom.offload.store.TokenizerFiles;
import io.greenroom.offload.store.TokenizerFiles.GgufVocabulary;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Text to tokens, by the Hugging Face tokenizers library, and tokens to bytes, by a table.
 * Thread-safe until it is closed; whoever opened it closes it.
 */
public final class Tokenizer implements AutoCloseable {

    private final HuggingFaceTokenizer encoder;
    private final TokenBytes bytes;

    /** Encoding reads, closing writes: native memory must not go while a text is being encoded. */
    private final ReadWriteLock lock = new ReentrantReadWriteLock();

    private boolean closed;

    private Tokenizer(HuggingFaceTokenizer encoder, TokenBytes bytes) {
        this.encoder = encoder;
        this.bytes = bytes;
    }

    /**
     * Opens a checkpoint's tokenizer: its tokenizer.json, or one made from its GGUF vocabulary.
     *
     * @throws TokenizerException if there is neither, or it is damaged or not supported
     */
    public static Tokenizer open(TokenizerFiles files) throws TokenizerException {
        String json = files.tokenizerJson();
        GgufVocabulary vocabulary = files.vocabulary();
        if (json == null) {
            json = json(vocabulary, files);
        }
        TokenBytes bytes = TokenizerJson.tokenBytes(json);
        return new Tokenizer(encoder(json), bytes);
    }

    private static String json(@Nullable GgufVocabulary vocabulary, TokenizerFiles files)
            throws TokenizerException {
        if (vocabulary == null) {
            throw new TokenizerException(
                    "The checkpoint has no tokenizer: expected a tokenizer.json in its folder, or"
                            + " tokenizer.ggml metadata in the GGUF file");
        }
        return GgufTokenizerJson.write(vocabulary, files.addBos() ? files.bosToken() : -1);
    }

    private static HuggingFaceTokenizer encoder(String json) throws TokenizerException {
        // Left alone the library cuts every text to 512 tokens.
        Map<String, String> whole =
                Map.of("truncation", "do_not_truncate", "padding", "do_not_pad");
        try (ByteArrayInputStream in =
                new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8))) {
            return HuggingFaceTokenizer.newInstance(in, whole);
        } catch (IOException | RuntimeException e) {
            throw new TokenizerException(
                    "The tokenizers library refuses the tokenizer: " + e.getMessage(), e);
        }
    }

    /**
     * Tokens of a text. Texts of control marks within it become those marks.
     *
     * @param marked whether the tokenizer adds the marks every text begins or ends with; a chat
     *     template writes them itself
     * @throws IllegalStateException after close
     */
    public int[] encode(String text, boolean marked) {
        long[] ids;
        lock.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException("The tokenizer is closed");
            }
            ids = encoder.encode(text, marked, false).getIds();
        } finally {
            lock.readLock().unlock();
        }
        int[] tokens = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            tokens[i] = Math.toIntExact(ids[i]);
        }
        return tokens;
    }

    /**
     * As many tokens as a text certainly has, found without tokenizing, which for a single long
     * word takes seconds per megabyte.
     *
     * @param enough no need to look closer at a text that may have no more than this
     */
    public long fewestTokens(String text, int enough) {
        long fewest = text.length() / bytes.longest();
        if (fewest <= enough) {
            return 0;
        }
        // Tokenizers compose characters first, which makes a text shorter.
        return Normalizer.normalize(text, Normalizer.Form.NFC).length() / bytes.longest();
    }

    /** What each token stands for. */
    public TokenBytes bytes() {
        return bytes;
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            closed = true;
            encoder.close();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
