package io.greenroom.plugin.config;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.MixedPrecision;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.ModelOptions.Prefetch;
import io.greenroom.offload.decoder.RoutingSettings.Swaps;
import io.greenroom.offload.decoder.SkippedWeight;
import io.greenroom.offload.decoder.SlotSplit;
import io.greenroom.offload.decoder.TraceOptions;
import io.greenroom.offload.kernel.ActivationPrecision;
import io.greenroom.offload.kernel.KvPages;
import java.util.List;
import java.util.Optional;

/** The options of one model: keys that begin with {@code option.} in its serving.properties. */
public final class ModelOptionKeys {

    private static final ModelOptions DEFAULTS = ModelOptions.defaults();

    static final OptionKey<ExpertBudget> EXPERT_BUDGET =
            new OptionKey<>(
                    "expert_budget",
                    "a size (`6GiB`, `512MiB`, `1.5GB`), a share (`40%`) or `auto`",
                    "`auto`",
                    "Native bytes for routed experts, a hard limit. A share is of all expert bytes;"
                            + " `auto` takes what the container's limit leaves, at most all experts."
                            + " A budget too small for one token of one layer is refused, with the"
                            + " smallest that would work.",
                    DEFAULTS.budget(),
                    ExpertBudget::parse);

    static final OptionKey<Prefetch> PREFETCH =
            new OptionKey<>(
                    "prefetch",
                    "`auto`, `on`, `off`",
                    "`auto`",
                    "Whether experts are read ahead of the router. `auto` does so as long as it"
                            + " proves useful. It never changes a token.",
                    DEFAULTS.prefetch(),
                    Parsers.oneOf(Prefetch.class));

    static final OptionKey<ExpertBudget> BUDGET_FLOOR =
            new OptionKey<>(
                    "budget_floor",
                    "a size, a share or `auto`",
                    "`auto`",
                    "What this model never falls below when models share `greenroom.total-budget`,"
                            + " nor when its budget is changed. `auto` is what one token of one layer"
                            + " needs.",
                    DEFAULTS.budgetFloor(),
                    ExpertBudget::parse);

    static final OptionKey<Integer> BUDGET_WEIGHT =
            new OptionKey<>(
                    "budget_weight",
                    "1 to 1000",
                    "`" + DEFAULTS.budgetWeight() + "`",
                    "This model's part of `greenroom.total-budget`, against the weights of the"
                            + " others.",
                    DEFAULTS.budgetWeight(),
                    Parsers.integer(1, 1000));

    static final OptionKey<PolicyName> CACHE_POLICY =
            new OptionKey<>(
                    "cache_policy",
                    names(PolicyName.values()),
                    "`" + DEFAULTS.cachePolicy() + "`",
                    "Which experts stay resident. It never changes a token.",
                    DEFAULTS.cachePolicy(),
                    PolicyName::parse);

    static final OptionKey<SlotSplit> CACHE_SPLIT =
            new OptionKey<>(
                    "cache_split",
                    "`shared`, `even`, or a weight for each layer (`3,2,2,1`)",
                    "`" + DEFAULTS.slotSplit() + "`",
                    "Whether layers share the slots, or have parts of their own. It never changes a"
                            + " token.",
                    DEFAULTS.slotSplit(),
                    SlotSplit::parse);

    static final OptionKey<RoutingDial> ROUTING =
            new OptionKey<>(
                    "routing",
                    "`exact`, `biased:N` with N from 0 to 1, `resident`",
                    "`" + DEFAULTS.routing().standard() + "`",
                    "Which experts may run. `exact`: those the router chose, so that the budget"
                            + " never changes a token. `biased:0.15`: experts in memory are ranked"
                            + " higher by 0.15 of the range of a token's router logits; fewer reads,"
                            + " other tokens. `resident`: experts in memory only, where a layer has"
                            + " enough. Holds for requests that ask for nothing themselves.",
                    DEFAULTS.routing().standard(),
                    RoutingDial::parse);

    static final OptionKey<Optional<RoutingDial>> ROUTING_LIMIT =
            new OptionKey<>(
                    "routing_limit",
                    "as `option.routing`, and not more exact than it",
                    "what `option.routing` says",
                    "The furthest from exact that a request gets which asks for a routing of its"
                            + " own. What goes further is brought back to this.",
                    Optional.empty(),
                    text -> Optional.of(RoutingDial.parse(text)));

    static final OptionKey<Boolean> ROUTING_PROMPTS =
            new OptionKey<>(
                    "routing_prompts",
                    "`true`, `false`",
                    "`" + DEFAULTS.routing().prompts() + "`",
                    "Whether prompts are routed as the answer is, or exactly.",
                    DEFAULTS.routing().prompts(),
                    Parsers.bool());

    static final OptionKey<Swaps> ROUTING_SWAPS =
            new OptionKey<>(
                    "routing_swaps",
                    names(Swaps.values()),
                    "`" + lower(DEFAULTS.routing().swaps()) + "`",
                    "By what residents are exchanged in the background, at most one a token, while"
                            + " requests are routed `resident` or `biased:0.5` and further."
                            + " `recency` is there for comparison.",
                    DEFAULTS.routing().swaps(),
                    Parsers.oneOf(Swaps.class));

    static final OptionKey<Integer> CONTEXT_LENGTH =
            new OptionKey<>(
                    "context_length",
                    "16 to 1048576, at most the model's own",
                    "the model's own, at most 8192",
                    "Longest context of one request in tokens, prompt and answer together. The KV"
                            + " cache is reserved for it at load.",
                    DEFAULTS.contextLength(),
                    Parsers.integer(16, 1 << 20));

    static final OptionKey<KvPages.Type> KV_TYPE =
            new OptionKey<>(
                    "kv_type",
                    names(KvPages.Type.values()),
                    "`" + lower(DEFAULTS.kvType()) + "`",
                    "Precision of cached keys and values.",
                    DEFAULTS.kvType(),
                    Parsers.oneOf(KvPages.Type.class));

    static final OptionKey<ActivationPrecision> ACTIVATIONS =
            new OptionKey<>(
                    "activations",
                    names(ActivationPrecision.values()),
                    "`" + lower(DEFAULTS.activations()) + "`",
                    "How activations meet quantised weights. `int8` rounds them to 8 bits per block"
                            + " of 32 for Q8_0 and Q4_0 weights, as llama.cpp does: faster with"
                            + " integer instructions, and lossy. The budget still changes no token.",
                    DEFAULTS.activations(),
                    Parsers.oneOf(ActivationPrecision.class));

    static final OptionKey<Integer> MAX_CONCURRENT =
            new OptionKey<>(
                    "max_concurrent",
                    "1 to 1024",
                    "`" + DEFAULTS.maxConcurrent() + "`",
                    "Requests decoded together.",
                    DEFAULTS.maxConcurrent(),
                    Parsers.integer(1, 1024));

    static final OptionKey<Integer> MAX_QUEUED =
            new OptionKey<>(
                    "max_queued",
                    "0 to 100000",
                    "`" + DEFAULTS.maxQueued() + "`",
                    "Requests that may wait for one of those places; further ones get status 429.",
                    DEFAULTS.maxQueued(),
                    Parsers.integer(0, 100_000));

    static final OptionKey<Integer> PREFILL_CHUNK =
            new OptionKey<>(
                    "prefill_chunk",
                    "1 to 65536",
                    "`" + DEFAULTS.prefillChunk() + "`",
                    "Most prompt tokens one step takes. More is faster for long prompts; fewer lets"
                            + " running answers go on in between.",
                    DEFAULTS.prefillChunk(),
                    Parsers.integer(1, 65_536));

    static final OptionKey<Integer> THREADS =
            new OptionKey<>(
                    "threads",
                    "1 to 1024",
                    "the physical cores available",
                    "Threads that compute.",
                    DEFAULTS.threads(),
                    Parsers.integer(1, 1024));

    static final OptionKey<Boolean> OVERLAP =
            new OptionKey<>(
                    "overlap",
                    "`true`, `false`",
                    "`" + DEFAULTS.overlap() + "`",
                    "Whether experts that are there are computed while the missing ones are read."
                            + " `false` is for comparison only: it is slower.",
                    DEFAULTS.overlap(),
                    Parsers.bool());

    static final OptionKey<Long> LINK_LIMIT =
            new OptionKey<>(
                    "link_limit",
                    "bytes a second, as a size (`200MB`, `1GiB`), or `none`",
                    "`none`",
                    "Reads experts no faster than this, for experiments with a slower disk than the"
                            + " one there is.",
                    DEFAULTS.linkLimit(),
                    Parsers.bytesPerSecond());

    static final OptionKey<Boolean> DIRECT_IO =
            new OptionKey<>(
                    "direct_io",
                    "`true`, `false`",
                    "`" + DEFAULTS.directIo() + "`",
                    "Whether experts are read around the page cache where the file system allows."
                            + " Otherwise the system keeps second copies of them, outside the budget.",
                    DEFAULTS.directIo(),
                    Parsers.bool());

    static final OptionKey<String> LOW_BIT =
            new OptionKey<>(
                    "low_bit",
                    "a file that `greenroom pack --low-bit` made",
                    "every expert is used in full",
                    "Mixed precision: an expert that is not in memory and matters little to a token"
                            + " is replaced by its low-bit copy from this file, or done without."
                            + " Fewer reads, other tokens. A relative file lies in the checkpoint's"
                            + " folder.",
                    "",
                    Parsers.file());

    static final OptionKey<Double> LOW_BIT_SHARE =
            new OptionKey<>(
                    "low_bit_share",
                    "a share above `0%` and below `100%`",
                    "`15%`",
                    "Share of the expert budget that holds low-bit copies.",
                    MixedPrecision.DEFAULT_SHARE,
                    Parsers.share());

    static final OptionKey<Double> LOW_BIT_FULL_UP_TO =
            new OptionKey<>(
                    "low_bit_full_up_to",
                    "0 to 1",
                    "`" + PrecisionRule.DEFAULT.fullUpTo() + "`",
                    "A token's experts are read in full as long as those ranked above them have at"
                            + " most this share of the token's router weight; with `1` all are.",
                    PrecisionRule.DEFAULT.fullUpTo(),
                    Parsers.number(0, 1));

    static final OptionKey<Double> LOW_BIT_SKIP_ABOVE =
            new OptionKey<>(
                    "low_bit_skip_above",
                    "`low_bit_full_up_to` to 1",
                    "`" + PrecisionRule.DEFAULT.copyUpTo() + "`",
                    "Up to this share, low-bit copies are read; beyond it, an expert of which"
                            + " neither form is in memory is done without.",
                    PrecisionRule.DEFAULT.copyUpTo(),
                    Parsers.number(0, 1));

    static final OptionKey<SkippedWeight> LOW_BIT_SKIPPED =
            new OptionKey<>(
                    "low_bit_skipped",
                    names(SkippedWeight.values()),
                    "`" + lower(MixedPrecision.DEFAULT_SKIPPED) + "`",
                    "What becomes of the router weight of an expert that is done without: it is"
                            + " lost, or the token's other experts share it.",
                    MixedPrecision.DEFAULT_SKIPPED,
                    Parsers.oneOf(SkippedWeight.class));

    static final OptionKey<String> TRACE =
            new OptionKey<>(
                    "trace",
                    "a file",
                    "nothing is recorded",
                    "Records which experts the routers choose, step by step, for `greenroom trace`"
                            + " and `greenroom simulate`; no text and no tokens. A relative file"
                            + " lies in the checkpoint's folder. Nothing is overwritten: if the"
                            + " file holds something, `-2`, `-3` and so on is put into its name.",
                    "",
                    Parsers.file());

    static final OptionKey<ByteSize> TRACE_LIMIT =
            new OptionKey<>(
                    "trace_limit",
                    "a size",
                    "`256MiB`",
                    "Most bytes of the trace; recording stops there, and the log says so.",
                    TraceOptions.DEFAULT_LIMIT,
                    ByteSize::parse);

    static final OptionKey<Integer> TRACE_TOP =
            new OptionKey<>(
                    "trace_top",
                    "0 to 65536",
                    "twice as many as a token is routed to",
                    "Experts recorded for each token and layer, the most probable ones. At least"
                            + " those that are chosen, at most all; 0 for the default.",
                    0,
                    Parsers.integer(0, 65_536));

    static final OptionKey<String> MODEL =
            new OptionKey<>(
                    "model",
                    "a file or folder name within the model's folder",
                    "the folder itself",
                    "The checkpoint, where the folder holds more than one: a `.gguf` file (of a"
                            + " split model the first), or a folder in Hugging Face's layout.",
                    "",
                    String::trim);

    /** All keys, in the order they are documented. */
    public static final List<OptionKey<?>> ALL =
            List.of(
                    EXPERT_BUDGET,
                    BUDGET_FLOOR,
                    BUDGET_WEIGHT,
                    PREFETCH,
                    CACHE_POLICY,
                    CACHE_SPLIT,
                    ROUTING,
                    ROUTING_LIMIT,
                    ROUTING_PROMPTS,
                    ROUTING_SWAPS,
                    CONTEXT_LENGTH,
                    KV_TYPE,
                    ACTIVATIONS,
                    MAX_CONCURRENT,
                    MAX_QUEUED,
                    PREFILL_CHUNK,
                    THREADS,
                    OVERLAP,
                    LINK_LIMIT,
                    DIRECT_IO,
                    LOW_BIT,
                    LOW_BIT_SHARE,
                    LOW_BIT_FULL_UP_TO,
                    LOW_BIT_SKIP_ABOVE,
                    LOW_BIT_SKIPPED,
                    TRACE,
                    TRACE_LIMIT,
                    TRACE_TOP,
                    MODEL);

    private ModelOptionKeys() {}

    private static String names(Enum<?>[] constants) {
        return java.util.Arrays.stream(constants)
                .map(constant -> "`" + lower(constant) + "`")
                .collect(java.util.stream.Collectors.joining(", "));
    }

    private static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(java.util.Locale.ROOT);
    }
}
