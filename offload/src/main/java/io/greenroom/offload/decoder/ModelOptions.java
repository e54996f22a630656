package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.offload.kernel.ActivationPrecision;
import io.greenroom.offload.kernel.KvPages;
import org.jspecify.annotations.Nullable;

/**
 * What the operator chose for one model. Values were checked by whoever read the configuration.
 *
 * @param budget bytes for routed experts
 * @param budgetFloor bytes this model never falls below when models share a total budget; "auto"
 *     for what one token needs
 * @param budgetWeight this model's part of a shared total against others, at least 1
 * @param cachePolicy who leaves when a slot is needed
 * @param slotSplit whether layers share the slots
 * @param prefetch whether predicted experts are read ahead
 * @param contextLength longest context of one request, at most the model's own; 0 for the model's
 *     own, capped at 8192
 * @param kvType precision of cached keys and values
 * @param activations in which precision activations meet quantised weights
 * @param maxConcurrent requests decoded together
 * @param maxQueued requests that may wait beyond those
 * @param prefillChunk most prompt tokens one step takes
 * @param threads kernel threads; 0 for the physical cores available
 * @param routing how far requests may yield to resident experts
 * @param trace records the routing, or null
 * @param mixedPrecision how experts may be replaced by low-bit copies; null for not at all
 * @param overlap whether experts that are there are computed while the missing ones are read;
 *     without it, for comparison, a layer's experts are all read first
 * @param linkLimit bytes a second of a slower link to be imitated, for experiments; 0 for none
 * @param directIo whether experts are read around the page cache where the file system allows
 */
public record ModelOptions(
        ExpertBudget budget,
        ExpertBudget budgetFloor,
        int budgetWeight,
        PolicyName cachePolicy,
        SlotSplit slotSplit,
        Prefetch prefetch,
        int contextLength,
        KvPages.Type kvType,
        ActivationPrecision activations,
        int maxConcurrent,
        int maxQueued,
        int prefillChunk,
        int threads,
        RoutingSettings routing,
        @Nullable TraceOptions trace,
        @Nullable MixedPrecision mixedPrecision,
        boolean overlap,
        long linkLimit,
        boolean directIo) {

    /**
     * @throws IllegalArgumentException naming the option, its value and what is accepted
     */
    public ModelOptions {
        atLeast("budget weight", budgetWeight, 1);
        atLeast("context length", contextLength, 0);
        atLeast("concurrent requests", maxConcurrent, 1);
        atLeast("queued requests", maxQueued, 0);
        atLeast("prefill chunk", prefillChunk, 1);
        atLeast("threads", threads, 0);
        atLeast("link limit", linkLimit, 0);
    }

    private static void atLeast(String option, long value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(
                    "Option " + option + " is " + value + "; it must be at least " + least);
        }
    }

    /** Whether predicted experts are read ahead. */
    public enum Prefetch {
        /** As long as it proves useful. */
        AUTO,
        ON,
        OFF
    }

    /** The defaults an operator gets by setting nothing. */
    public static ModelOptions defaults() {
        return builder().build();
    }

    /** Begins with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Options on the way; each begins with its default. */
    public static final class Builder {

        private ExpertBudget budget = ExpertBudget.AUTO;
        private ExpertBudget budgetFloor = ExpertBudget.AUTO;
        private int budgetWeight = 1;
        private PolicyName cachePolicy = PolicyName.DEFAULT;
        private SlotSplit slotSplit = SlotSplit.SHARED;
        private Prefetch prefetch = Prefetch.AUTO;
        private int contextLength;
        private KvPages.Type kvType = KvPages.Type.F32;
        private ActivationPrecision activations = ActivationPrecision.FLOAT32;
        private int maxConcurrent = 8;
        private int maxQueued = 64;
        private int prefillChunk = 128;
        private int threads;
        private RoutingSettings routing = RoutingSettings.EXACT;
        private @Nullable TraceOptions trace;
        private @Nullable MixedPrecision mixedPrecision;
        private boolean overlap = true;
        private long linkLimit;
        private boolean directIo = true;

        private Builder() {}

        public Builder budget(ExpertBudget bytes) {
            budget = bytes;
            return this;
        }

        public Builder budgetFloor(ExpertBudget bytes) {
            budgetFloor = bytes;
            return this;
        }

        public Builder budgetWeight(int weight) {
            budgetWeight = weight;
            return this;
        }

        public Builder cachePolicy(PolicyName policy) {
            cachePolicy = policy;
            return this;
        }

        public Builder slotSplit(SlotSplit split) {
            slotSplit = split;
            return this;
        }

        public Builder prefetch(Prefetch mode) {
            prefetch = mode;
            return this;
        }

        public Builder contextLength(int tokens) {
            contextLength = tokens;
            return this;
        }

        public Builder kvType(KvPages.Type type) {
            kvType = type;
            return this;
        }

        public Builder activations(ActivationPrecision precision) {
            activations = precision;
            return this;
        }

        public Builder maxConcurrent(int requests) {
            maxConcurrent = requests;
            return this;
        }

        public Builder maxQueued(int requests) {
            maxQueued = requests;
            return this;
        }

        public Builder prefillChunk(int tokens) {
            prefillChunk = tokens;
            return this;
        }

        public Builder threads(int count) {
            threads = count;
            return this;
        }

        public Builder routing(RoutingSettings settings) {
            routing = settings;
            return this;
        }

        public Builder trace(@Nullable TraceOptions recording) {
            trace = recording;
            return this;
        }

        public Builder mixedPrecision(@Nullable MixedPrecision settings) {
            mixedPrecision = settings;
            return this;
        }

        public Builder overlap(boolean whileReading) {
            overlap = whileReading;
            return this;
        }

        public Builder linkLimit(long bytesPerSecond) {
            linkLimit = bytesPerSecond;
            return this;
        }

        public Builder directIo(boolean direct) {
            directIo = direct;
            return this;
        }

        /**
         * @throws IllegalArgumentException naming the option, its value and what is accepted
         */
        public ModelOptions build() {
            return new ModelOptions(
                    budget,
                    budgetFloor,
                    budgetWeight,
                    cachePolicy,
                    slotSplit,
                    prefetch,
                    contextLength,
                    kvType,
                    activations,
                    maxConcurrent,
                    maxQueued,
                    prefillChunk,
                    threads,
                    routing,
                    trace,
                    mixedPrecision,
                    overlap,
                    linkLimit,
                    directIo);
        }
    }
}
