package io.greenroom.plugin.telemetry.prometheus;

import java.util.List;
import java.util.Locale;

/**
 * Every series there is. {@code docs/observability.md} has the same table; a test compares both
 * with a real scrape.
 */
public enum Metric {
    BUILD(Type.INFO, "greenroom_build", "The running version of Greenroom", "version"),

    TOKENS_IN(Type.COUNTER, "greenroom_tokens_in", "Prompt tokens processed", "model"),
    TOKENS_OUT(Type.COUNTER, "greenroom_tokens_out", "Tokens produced", "model"),
    REQUESTS(
            Type.COUNTER,
            "greenroom_requests",
            "Generations that ended, by how: stop, length, cancelled, unloaded, error, or rejected"
                    + " because too many were waiting",
            "model",
            "outcome"),
    REQUESTS_RUNNING(
            Type.GAUGE, "greenroom_requests_running", "Generations being decoded", "model"),
    REQUESTS_QUEUED(
            Type.GAUGE,
            "greenroom_requests_queued",
            "Generations waiting for a place or for memory",
            "model"),
    QUEUE(
            Type.HISTOGRAM,
            "greenroom_queue_seconds",
            "Time from a generation's submission to the first step that works on it",
            "model"),
    FIRST_TOKEN(
            Type.HISTOGRAM,
            "greenroom_time_to_first_token_seconds",
            "Time from a generation's submission to its first token",
            "model"),
    BETWEEN_TOKENS(
            Type.HISTOGRAM,
            "greenroom_inter_token_seconds",
            "Time from one token of a generation to the next",
            "model"),

    ROUTED(
            Type.COUNTER,
            "greenroom_expert_tokens",
            "Tokens times the experts each of them was sent to",
            "model",
            "layer"),
    HITS(
            Type.COUNTER,
            "greenroom_expert_hits",
            "Experts that were in memory when a layer asked for them",
            "model",
            "layer"),
    MISSES(
            Type.COUNTER,
            "greenroom_expert_misses",
            "Experts that were not in memory when a layer asked for them",
            "model",
            "layer"),
    HIT_RATIO(
            Type.GAUGE,
            "greenroom_expert_hit_ratio",
            "Share of experts found in memory over the last minute, 0 to 1; absent if none was"
                    + " asked for",
            "model"),
    READS(
            Type.COUNTER,
            "greenroom_expert_reads",
            "Experts read into memory, whoever asked for them",
            "model",
            "layer"),
    READ_BYTES(
            Type.COUNTER,
            "greenroom_expert_read_bytes",
            "Bytes of experts read into memory",
            "model",
            "layer"),
    READ_FAILURES(
            Type.COUNTER,
            "greenroom_expert_read_failures",
            "Reads of experts that failed",
            "model"),
    READ_TIME(
            Type.HISTOGRAM,
            "greenroom_expert_read_seconds",
            "Time of an expert's read, waiting for a reader included",
            "model"),
    EVICTIONS(
            Type.COUNTER,
            "greenroom_expert_evictions",
            "Experts that left their slot for another, or because the budget shrank",
            "model",
            "layer"),
    STALL(
            Type.COUNTER,
            "greenroom_stall_seconds",
            "Time decoding waited for experts with nothing to compute",
            "model",
            "layer"),
    STEP_STALL(
            Type.HISTOGRAM,
            "greenroom_step_stall_seconds",
            "Time each step waited for experts with nothing to compute",
            "model"),

    PREFETCH_ON(
            Type.GAUGE,
            "greenroom_prefetch_on",
            "1 while experts are read ahead, 0 while they are not",
            "model"),
    PREFETCH_ISSUED(
            Type.COUNTER, "greenroom_prefetch_issued", "Experts whose read ahead began", "model"),
    PREFETCH_CALLED_OFF(
            Type.COUNTER,
            "greenroom_prefetch_called_off",
            "Reads ahead that were given up before they reached the disk",
            "model",
            "layer"),
    PREFETCH_USEFUL(
            Type.COUNTER,
            "greenroom_prefetch_useful",
            "Experts that were read ahead and in memory when a layer asked for them",
            "model",
            "layer"),
    PREFETCH_LATE(
            Type.COUNTER,
            "greenroom_prefetch_late",
            "Experts that were still being read ahead when a layer asked for them",
            "model",
            "layer"),
    PREFETCH_WASTED(
            Type.COUNTER,
            "greenroom_prefetch_wasted",
            "Experts that were read ahead and left before a layer asked for them",
            "model",
            "layer"),

    BUDGET_BYTES(
            Type.GAUGE,
            "greenroom_expert_budget_bytes",
            "Bytes that routed experts may take",
            "model"),
    RESIDENT_BYTES(
            Type.GAUGE,
            "greenroom_resident_expert_bytes",
            "Bytes that experts in memory take, in whole slots",
            "model"),
    SLOTS(Type.GAUGE, "greenroom_expert_slots", "Experts that fit into the budget", "model"),
    RESIDENT(Type.GAUGE, "greenroom_resident_experts", "Experts in memory", "model"),
    EXPERTS(Type.GAUGE, "greenroom_experts", "Routed experts of the model", "model"),
    DENSE_BYTES(
            Type.GAUGE,
            "greenroom_dense_bytes",
            "Bytes of weights that are always in memory",
            "model"),
    KV_BYTES(Type.GAUGE, "greenroom_kv_cache_bytes", "Bytes of the KV cache", "model"),
    KV_USED_BYTES(
            Type.GAUGE,
            "greenroom_kv_cache_used_bytes",
            "Bytes of the KV cache that running generations have reserved",
            "model"),

    YIELDING(
            Type.COUNTER,
            "greenroom_yielding_selections",
            "Choices of experts that were allowed to prefer those in memory",
            "model"),
    ALTERED(
            Type.COUNTER,
            "greenroom_altered_selections",
            "Of these, experts that the router alone would not have chosen",
            "model"),
    COPIES(
            Type.COUNTER,
            "greenroom_low_bit_selections",
            "Choices of experts for which a low-bit copy took part",
            "model"),
    SKIPPED(
            Type.COUNTER,
            "greenroom_skipped_selections",
            "Choices of experts that were done without",
            "model"),

    SINK_DELIVERED(
            Type.COUNTER,
            "greenroom_sink_records_delivered",
            "Usage records that a telemetry sink took",
            "sink"),
    SINK_FAILED(
            Type.COUNTER,
            "greenroom_sink_records_failed",
            "Usage records at which a telemetry sink failed",
            "sink"),
    SINK_DROPPED(
            Type.COUNTER,
            "greenroom_sink_records_dropped",
            "Usage records that were lost because a telemetry sink was too slow",
            "sink"),
    SINK_QUEUED(
            Type.GAUGE,
            "greenroom_sink_records_queued",
            "Usage records that wait for a telemetry sink",
            "sink"),

    MODELS_LEFT_OUT(
            Type.GAUGE,
            "greenroom_models_left_out",
            "Loaded models without series, because there are more than the limit");

    /** What kind of series it is. */
    public enum Type {
        COUNTER,
        GAUGE,
        HISTOGRAM,
        INFO;

        /** As the text format has it. */
        @Override
        public String toString() {
            return this == INFO ? "gauge" : name().toLowerCase(Locale.ROOT);
        }
    }

    private final Type type;
    private final String baseName;
    private final String help;
    private final List<String> labels;

    Metric(Type type, String baseName, String help, String... labels) {
        this.type = type;
        this.baseName = baseName;
        this.help = help;
        this.labels = List.of(labels);
    }

    public Type type() {
        return type;
    }

    /** Without the ending that its type brings. */
    String baseName() {
        return baseName;
    }

    /** As it is scraped. A histogram has this name with the usual endings. */
    public String exposedName() {
        return switch (type) {
            case COUNTER -> baseName + "_total";
            case INFO -> baseName + "_info";
            case GAUGE, HISTOGRAM -> baseName;
        };
    }

    /** What it says, in a line. */
    public String help() {
        return help;
    }

    /** Label names; besides them a histogram has {@code le}. */
    public List<String> labels() {
        return labels;
    }
}
