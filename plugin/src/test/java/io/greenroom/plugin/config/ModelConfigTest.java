package io.greenroom.plugin.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.MixedPrecision;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.ModelOptions.Prefetch;
import io.greenroom.offload.decoder.RoutingSettings;
import io.greenroom.offload.decoder.RoutingSettings.Swaps;
import io.greenroom.offload.decoder.SkippedWeight;
import io.greenroom.offload.decoder.SlotSplit;
import io.greenroom.offload.decoder.TraceOptions;
import io.greenroom.offload.kernel.ActivationPrecision;
import io.greenroom.offload.kernel.KvPages;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {

    @Test
    void nothingSetMeansTheDefaults() throws Exception {
        assertThat(ModelConfig.read(null))
                .isEqualTo(new ModelConfig(Path.of(""), ModelOptions.defaults()));
    }

    @Test
    void everyOptionIsRead() throws Exception {
        ModelConfig config =
                ModelConfig.read(
                        Map.ofEntries(
                                Map.entry("expert_budget", "40%"),
                                Map.entry("prefetch", "off"),
                                Map.entry("budget_floor", "10%"),
                                Map.entry("budget_weight", "3"),
                                Map.entry("cache_policy", "lru"),
                                Map.entry("cache_split", "3, 2"),
                                Map.entry("routing", "Biased:0.15"),
                                Map.entry("routing_limit", "resident"),
                                Map.entry("routing_prompts", "true"),
                                Map.entry("routing_swaps", "recency"),
                                Map.entry("context_length", "4096"),
                                Map.entry("kv_type", "f16"),
                                Map.entry("activations", "int8"),
                                Map.entry("max_concurrent", "4"),
                                Map.entry("max_queued", "0"),
                                Map.entry("prefill_chunk", "256"),
                                Map.entry("threads", "3"),
                                Map.entry("overlap", "false"),
                                Map.entry("link_limit", "200MB/s"),
                                Map.entry("direct_io", "false"),
                                Map.entry("trace", "routing.trace"),
                                Map.entry("trace_limit", "1MiB"),
                                Map.entry("trace_top", "12"),
                                Map.entry("model", "sub/model.gguf")));

        assertThat(config.model()).isEqualTo(Path.of("sub", "model.gguf"));
        assertThat(config.options())
                .isEqualTo(
                        ModelOptions.builder()
                                .budget(new ExpertBudget.Share(40))
                                .budgetFloor(new ExpertBudget.Share(10))
                                .budgetWeight(3)
                                .cachePolicy(PolicyName.LRU)
                                .slotSplit(new SlotSplit.Weights(List.of(3, 2)))
                                .prefetch(Prefetch.OFF)
                                .contextLength(4096)
                                .kvType(KvPages.Type.F16)
                                .activations(ActivationPrecision.INT8)
                                .maxConcurrent(4)
                                .maxQueued(0)
                                .prefillChunk(256)
                                .threads(3)
                                .routing(
                                        new RoutingSettings(
                                                new RoutingDial(0.15),
                                                RoutingDial.RESIDENT,
                                                true,
                                                Swaps.RECENCY))
                                .overlap(false)
                                .linkLimit(200_000_000)
                                .directIo(false)
                                .trace(
                                        new TraceOptions(
                                                Path.of("routing.trace"),
                                                new ByteSize(1 << 20),
                                                12))
                                .build());
    }

    @Test
    void theRoutingIsItsOwnLimitUnlessOneIsSet() throws Exception {
        RoutingDial mild = new RoutingDial(0.15);
        assertThat(ModelConfig.read(Map.of("routing", "biased:0.15")).options().routing())
                .isEqualTo(new RoutingSettings(mild, mild, false, Swaps.IMPORTANCE));
        assertThat(ModelConfig.read(Map.of("routing_limit", "biased:0.15")).options().routing())
                .isEqualTo(new RoutingSettings(RoutingDial.EXACT, mild, false, Swaps.IMPORTANCE));
        assertThatThrownBy(
                        () ->
                                ModelConfig.read(
                                        Map.of("routing", "resident", "routing_limit", "exact")))
                .hasMessage(
                        "One option is wrong:\n  option.routing_limit=exact is not accepted:"
                                + " requests that ask for nothing get resident, which goes further;"
                                + " write resident or further, or set option.routing to exact");
    }

    @Test
    void optionsTheServerBringsAlongAreNoMistake() throws Exception {
        ModelConfig.read(
                Map.of(
                        "rolling_batch", "disable",
                        "max_rolling_batch_size", "32",
                        "pipeline_parallel_degree", "1",
                        "tensor_parallel_degree", "2"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    expert_budget  | lots    | write a size like 6GiB, a share like 40%, or auto
                    expert_budget  | 0%      | write a number above 0 and at most 100
                    prefetch       | maybe   | write one of auto, on, off
                    cache_policy   | fifo    | Not a cache policy: "fifo"; write one of tinylfu, reuse, lru, lfu, arc, least_stale, on_demand
                    cache_split    | 3;2     | write shared, even, or a weight for each layer separated by commas
                    budget_weight  | 0       | write an integer from 1 to 1000
                    routing        | biased  | write exact, biased:N with N from 0 to 1 (such as
                    routing_limit  | all     | write exact, biased:N with N from 0 to 1 (such as
                    routing_swaps  | true    | write one of importance, recency, off
                    routing_prompts | maybe  | write true or false
                    context_length | 0       | write an integer from 16 to 1048576
                    context_length | 1e3     | write an integer from 16 to 1048576
                    kv_type        | q8      | write one of f32, f16
                    activations    | int4    | write one of float32, int8
                    max_concurrent | 0       | write an integer from 1 to 1024
                    max_queued     | -1      | write an integer from 0 to 100000
                    prefill_chunk  | 70000   | write an integer from 1 to 65536
                    threads        | two     | write an integer from 1 to 1024
                    overlap        | some    | write true or false
                    link_limit     | fast    | write a size above 0 (200MB, 1GiB), or none
                    link_limit     | 0       | write a size above 0 (200MB, 1GiB), or none
                    direct_io      | yes     | write true or false
                    trace_limit    | much    | Not a size
                    trace_top      | -1      | write an integer from 0 to 65536
                    model          | ../x    | write the name of a file or folder in the model's folder
                    model          | /etc    | write the name of a file or folder in the model's folder
                    """)
    void wrongValuesAreRefusedWithWhatIsAccepted(String key, String value, String accepted) {
        assertThatThrownBy(() -> ModelConfig.read(Map.of(key, value)))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(
                        "One option is wrong:\n  option."
                                + key
                                + "="
                                + value
                                + " is not accepted: ")
                .hasMessageContaining(accepted);
    }

    @Test
    void allProblemsAreToldAtOnce() {
        ConfigException problems =
                catchThrowableOfType(
                        ConfigException.class,
                        () ->
                                ModelConfig.read(
                                        Map.of(
                                                "expert_budgt", "1GiB",
                                                "threads", "0",
                                                "colour", "red")));

        assertThat(problems).hasMessageStartingWith("3 options are wrong:");
        assertThat(problems.problems())
                .containsExactly(
                        "option.threads=0 is not accepted: write an integer from 1 to 1024",
                        "option.colour=red is not known: the options are "
                                + ModelOptionKeys.ALL.stream()
                                        .map(OptionKey::name)
                                        .collect(Collectors.joining(", ")),
                        "option.expert_budgt=1GiB is not known: did you mean"
                                + " option.expert_budget?");
    }

    @Test
    void mixedPrecisionIsOffUnlessAFileIsNamed() throws Exception {
        assertThat(ModelConfig.read(Map.of()).options().mixedPrecision()).isNull();
        assertThat(ModelConfig.read(Map.of("low_bit_share", "5%")).options().mixedPrecision())
                .isNull();
        assertThat(ModelConfig.read(Map.of("low_bit", "a.lowbit")).options().mixedPrecision())
                .isEqualTo(MixedPrecision.of(Path.of("a.lowbit")));
        Map<String, String> all =
                Map.of(
                        "low_bit", "a.lowbit",
                        "low_bit_share", "7.5%",
                        "low_bit_full_up_to", "0.5",
                        "low_bit_skip_above", "1",
                        "low_bit_skipped", "spread");
        assertThat(ModelConfig.read(all).options().mixedPrecision())
                .isEqualTo(
                        new MixedPrecision(
                                Path.of("a.lowbit"),
                                0.075,
                                new PrecisionRule(0.5, 1),
                                SkippedWeight.SPREAD));
    }

    @Test
    void impossiblePrecisionsAreAllNamed() {
        assertThatThrownBy(
                        () ->
                                ModelConfig.read(
                                        Map.of(
                                                "low_bit_share", "100%",
                                                "low_bit_full_up_to", "1.5",
                                                "low_bit_skip_above", "0.5",
                                                "low_bit_skipped", "keep")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("option.low_bit_share")
                .hasMessageContaining("write a share above 0% and below 100%, like 15%")
                .hasMessageContaining("write a number from 0.0 to 1.0")
                .hasMessageContaining("write one of drop, spread")
                .hasMessageContaining("option.low_bit_skip_above")
                .hasMessageContaining(
                        "it is below option.low_bit_full_up_to, which is 0.6; write 0.6 to 1");
    }
}
