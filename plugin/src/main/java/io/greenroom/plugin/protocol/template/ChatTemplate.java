package io.greenroom.plugin.protocol.template;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaProcessors;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.interpret.Context.Library;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.interpret.TemplateError.ErrorType;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.random.RandomNumberGeneratorStrategy;
import com.hubspot.jinjava.tree.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's chat template: turns a conversation into the text the model was trained to
 * continue. Rendering follows Transformers' Jinja environment (trimmed blocks, no escaping).
 *
 * <p>The template is not trusted. It can read the conversation and call {@link PythonMethods},
 * nothing else; its length, its output and the number of nodes it may render are limited.
 *
 * <p>Immutable and thread-safe.
 */
public final class ChatTemplate {

    /** Real templates have up to about 20,000 characters. */
    static final int MAX_SOURCE = 1 << 20;

    /** Characters of output; beyond any context length. */
    private static final int MAX_OUTPUT = 32 << 20;

    /**
     * Nodes rendered in one go. A long conversation of a thousand messages takes some ten thousand;
     * a template that loops for ever over its own lists ends here, after about a second.
     */
    private static final int MAX_NODES = 1_000_000;

    private static final int MAX_ITEMS = 100_000;

    private static final String FILTER = ExtendedParser.FILTER_PREFIX;
    private static final String TEST = ExtendedParser.EXPTEST_PREFIX;

    private final String source;
    private final Map<String, Object> tokens;
    private final Jinjava jinjava;

    /**
     * Reads a template and renders a short conversation with it, so that a template which cannot
     * work is found when the model is loaded.
     *
     * @param source Jinja text
     * @param tokens texts of special tokens by the name templates use, such as {@code bos_token}
     * @throws TemplateException if the template is too long or cannot be rendered
     */
    public ChatTemplate(String source, Map<String, String> tokens) throws TemplateException {
        if (source.length() > MAX_SOURCE) {
            throw new TemplateException(
                    "The chat template has "
                            + source.length()
                            + " characters; at most "
                            + MAX_SOURCE
                            + " are accepted",
                    false);
        }
        this.source = TemplateDialect.adapt(source);
        this.tokens = Map.copyOf(tokens);
        this.jinjava = OwnClassLoader.during(ChatTemplate::newJinjava);
        probe();
    }

    private static Jinjava newJinjava() {
        JinjavaConfig config =
                JinjavaConfig.newBuilder()
                        .withTrimBlocks(true)
                        .withLstripBlocks(true)
                        .withNestedInterpretationEnabled(false)
                        .withMaxOutputSize(MAX_OUTPUT)
                        .withMaxStringLength(MAX_OUTPUT)
                        .withMaxListSize(MAX_ITEMS)
                        .withMaxMapSize(MAX_ITEMS)
                        .withRangeLimit(MAX_ITEMS)
                        .withMaxRenderDepth(100)
                        .withEnableRecursiveMacroCalls(true)
                        .withMaxMacroRecursionDepth(20)
                        .withRandomNumberGeneratorStrategy(
                                RandomNumberGeneratorStrategy.CONSTANT_ZERO)
                        .withDisabled(
                                Map.of(
                                        Library.TAG,
                                        Set.of("include", "import", "from", "extends", "block"),
                                        Library.FILTER,
                                        Set.of("render", "random", "shuffle", "log")))
                        .withElResolver(new PythonResolver())
                        .withExecutionMode(new PlainOutput.Mode())
                        .withLegacyOverrides(
                                LegacyOverrides.newBuilder()
                                        .withEvaluateMapKeys(true)
                                        .withIterateOverMapKeys(true)
                                        .withUsePyishObjectMapper(true)
                                        .withUseNaturalOperatorPrecedence(true)
                                        .withParseWhitespaceControlStrictly(true)
                                        .withAllowAdjacentTextNodes(true)
                                        .withUseTrimmingForNotesAndExpressions(true)
                                        .withKeepNullableLoopValues(true)
                                        .build())
                        .withProcessors(
                                JinjavaProcessors.newBuilder()
                                        .withNodePreProcessor(ChatTemplate::countNode)
                                        .build())
                        .build();
        Jinjava jinjava = new Jinjava(config);
        jinjava.registerFilter(new ToJson());
        jinjava.registerFilter(new Reversed());
        jinjava.registerTag(new GenerationTag());
        jinjava.registerTag(new FilteringFor());
        jinjava.registerExpTest(new TextOrCollectionTest("iterable"));
        jinjava.registerExpTest(new TextOrCollectionTest("sequence"));
        jinjava.registerFunction(
                new ELFunctionDefinition(
                        "",
                        "raise_exception",
                        TemplateFunctions.class,
                        "raiseException",
                        String.class));
        jinjava.registerFunction(
                new ELFunctionDefinition(
                        "", "strftime_now", TemplateFunctions.class, "strftimeNow", String.class));
        return jinjava;
    }

    /** The counter lives in the outermost scope of one rendering, so renderings do not share it. */
    private static void countNode(Node node, JinjavaInterpreter interpreter) {
        if (interpreter.getContext().get(NodeCounter.NAME) instanceof NodeCounter counter) {
            counter.next();
        }
    }

    private void probe() throws TemplateException {
        try {
            render(List.of(message("user", "Hello")), true, Map.of());
        } catch (TemplateException e) {
            if (!e.raised()) {
                throw e;
            }
            // It refused this conversation; it may accept others.
        }
    }

    /**
     * Renders a conversation.
     *
     * @param messages each with at least {@code role} and {@code content}
     * @param addGenerationPrompt whether the text ends where the assistant's turn begins
     * @param extra further variables, which cannot replace the ones above
     * @throws TemplateException if the template refuses the conversation or fails
     */
    public String render(
            List<? extends Map<String, ?>> messages,
            boolean addGenerationPrompt,
            Map<String, ?> extra)
            throws TemplateException {
        Map<String, Object> variables = new HashMap<>(extra);
        variables.putAll(tokens);
        List<Object> copies = new ArrayList<>();
        messages.forEach(message -> copies.add(new LinkedHashMap<>(message)));
        variables.put("messages", copies);
        variables.put("add_generation_prompt", addGenerationPrompt);
        variables.put(NodeCounter.NAME, new NodeCounter(MAX_NODES));
        RenderResult result =
                OwnClassLoader.during(() -> jinjava.renderForResult(source, variables));
        for (TemplateError error : result.getErrors()) {
            RaisedByTemplateException raised = raisedBy(error.getException());
            if (raised != null) {
                throw new TemplateException(String.valueOf(raised.getMessage()), true);
            }
        }
        for (TemplateError error : result.getErrors()) {
            if (error.getSeverity() == ErrorType.FATAL) {
                throw new TemplateException(
                        "The chat template failed in line "
                                + error.getLineno()
                                + ": "
                                + describe(error),
                        false);
            }
        }
        refuseUnknown(result.getContext().getResolvedValues());
        return result.getOutput();
    }

    /** The renderer takes the result of a filter or test it does not know for nothing. */
    private void refuseUnknown(Set<String> resolved) throws TemplateException {
        for (String name : resolved) {
            String unknown = null;
            if (name.startsWith(FILTER)
                    && jinjava.getGlobalContext().getFilter(name.substring(FILTER.length()))
                            == null) {
                unknown = "filter \"" + name.substring(FILTER.length());
            } else if (name.startsWith(TEST)
                    && jinjava.getGlobalContext().getExpTest(name.substring(TEST.length()))
                            == null) {
                unknown = "test \"" + name.substring(TEST.length());
            }
            if (unknown != null) {
                throw new TemplateException(
                        "The chat template failed: it uses the "
                                + unknown
                                + "\", which is not supported",
                        false);
            }
        }
    }

    /** The renderer wraps some failures in words that say nothing. */
    private static String describe(TemplateError error) {
        for (Throwable cause = error.getException(); cause != null; cause = cause.getCause()) {
            if (cause instanceof IllegalStateException && cause.getMessage() != null) {
                return cause.getMessage();
            }
        }
        return String.valueOf(error.getMessage());
    }

    private static @Nullable RaisedByTemplateException raisedBy(@Nullable Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof RaisedByTemplateException raised) {
                return raised;
            }
        }
        return null;
    }

    private static Map<String, Object> message(String role, String content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }
}
