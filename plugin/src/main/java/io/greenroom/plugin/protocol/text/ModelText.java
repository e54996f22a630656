package io.greenroom.plugin.protocol.text;

import io.greenroom.offload.store.TokenizerFiles;
import io.greenroom.plugin.protocol.template.ChatTemplate;
import io.greenroom.plugin.protocol.template.TemplateException;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** All that a model knows of text: tokenizer, chat template, end tokens. Thread-safe. */
public final class ModelText implements AutoCloseable {

    private final Tokenizer tokenizer;
    private final @Nullable ChatTemplate template;
    private final Set<Integer> endTokens;

    private ModelText(
            Tokenizer tokenizer, @Nullable ChatTemplate template, Set<Integer> endTokens) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.endTokens = Set.copyOf(endTokens);
    }

    /**
     * Opens tokenizer and template of a checkpoint.
     *
     * @throws TokenizerException if one of them cannot be used; says why
     */
    public static ModelText open(TokenizerFiles files) throws TokenizerException {
        Tokenizer tokenizer = Tokenizer.open(files);
        try {
            return new ModelText(tokenizer, template(files, tokenizer.bytes()), files.endTokens());
        } catch (TemplateException e) {
            tokenizer.close();
            throw new TokenizerException(
                    "The checkpoint's chat template cannot be used: " + e.getMessage(), e);
        }
    }

    private static @Nullable ChatTemplate template(TokenizerFiles files, TokenBytes tokens)
            throws TemplateException {
        String source = files.chatTemplate();
        if (source == null) {
            return null;
        }
        int end = files.endTokens().isEmpty() ? -1 : Collections.min(files.endTokens());
        return new ChatTemplate(
                source,
                Map.of(
                        "bos_token",
                        tokens.written(files.bosToken()),
                        "eos_token",
                        tokens.written(end)));
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** Empty if the checkpoint has none; then it is no chat model. */
    public Optional<ChatTemplate> template() {
        return Optional.ofNullable(template);
    }

    /** Ids that end an answer. */
    public Set<Integer> endTokens() {
        return endTokens;
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
