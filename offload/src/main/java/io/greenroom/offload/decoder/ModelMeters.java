package io.greenroom.offload.decoder;

import io.greenroom.cache.CacheListener;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.usage.TimeHistogram;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.kernel.Activations;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * A model's meters for times and endings. The scheduler's thread notes what concerns requests and
 * steps, whoever holds the cache's lock what concerns reads and evictions: each meter has one
 * writer at a time, so noting takes no lock and makes no garbage, and any thread may read.
 */
final class ModelMeters {

    /*
     * Bounds in seconds. A first token takes milliseconds where all is resident and minutes where a
     * long prompt meets a slow disk; tokens then follow at between a thousand a second and one in
     * some seconds. Of stalls it matters most whether there was one: the first bucket is none at all.
     */
    private static final double[] QUEUE = {
        .001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60
    };
    private static final double[] FIRST_TOKEN = {
        .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120
    };
    private static final double[] BETWEEN_TOKENS = {
        .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10
    };
    private static final double[] STEP_STALL = {
        0, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5
    };
    private static final double[] EXPERT_READ = {
        .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5
    };

    private final TimeHistogram queue = TimeHistogram.ofSeconds(QUEUE);
    private final TimeHistogram firstToken = TimeHistogram.ofSeconds(FIRST_TOKEN);
    private final TimeHistogram betweenTokens = TimeHistogram.ofSeconds(BETWEEN_TOKENS);
    private final TimeHistogram stepStall = TimeHistogram.ofSeconds(STEP_STALL);
    private final TimeHistogram expertRead = TimeHistogram.ofSeconds(EXPERT_READ);
    private final LongAdder tokensIn = new LongAdder();
    private final LongAdder tokensOut = new LongAdder();
    private final Map<FinishReason, LongAdder> ended = new EnumMap<>(FinishReason.class);
    private final LongAdder rejected = new LongAdder();
    private final AtomicLongArray evictions; // [layers], plain additions under the cache's lock
    private long stall; // of this step; written by the thread that waits, which is the scheduler's

    /**
     * @param layers of the model
     */
    ModelMeters(int layers) {
        evictions = new AtomicLongArray(layers);
        for (FinishReason reason : FinishReason.values()) {
            ended.put(reason, new LongAdder());
        }
    }

    /** A request's prompt has got on by this many tokens. */
    void promptTokens(int count) {
        tokensIn.add(count);
    }

    /** A request's first step came after so long. */
    void queued(long nanos) {
        queue.note(nanos);
    }

    /** A request's first token came so long after its submission. */
    void firstToken(long nanos) {
        tokensOut.increment();
        firstToken.note(nanos);
    }

    /** A further token came so long after the one before. */
    void nextToken(long nanos) {
        tokensOut.increment();
        betweenTokens.note(nanos);
    }

    void ended(FinishReason reason) {
        LongAdder count = ended.get(reason);
        if (count != null) {
            count.increment();
        }
    }

    /** A request was not taken. Any thread. */
    void rejected() {
        rejected.increment();
    }

    long tokensIn() {
        return tokensIn.sum();
    }

    long tokensOut() {
        return tokensOut.sum();
    }

    /** Watches the cache of experts. */
    CacheListener experts() {
        return new CacheListener() {
            @Override
            public void on(Event event, ExpertId id, int slot) {
                if (event == Event.EVICT) {
                    int layer = id.layer();
                    evictions.setOpaque(layer, evictions.getPlain(layer) + 1);
                }
            }

            @Override
            public void read(ExpertId id, long nanos) {
                expertRead.note(nanos);
            }

            @Override
            public void settled(ExpertId id, long stallNanos) {
                stall += stallNanos;
            }
        };
    }

    /** Watches the cache of low-bit copies, of which only the waiting is metered. */
    CacheListener copies() {
        return new CacheListener() {
            @Override
            public void on(Event event, ExpertId id, int slot) {
                // Counted by the copies' own statistics.
            }

            @Override
            public void settled(ExpertId id, long stallNanos) {
                stall += stallNanos;
            }
        };
    }

    /** Watches the steps. */
    RoutingObserver steps() {
        return new RoutingObserver() {
            @Override
            public void routed(
                    int layer,
                    Batch batch,
                    Activations input,
                    float[] logits,
                    RoutingDecision decision) {
                // Counted by ExpertUsage.
            }

            @Override
            public void stepDone(Batch batch) {
                stepStall.note(stall);
                stall = 0;
            }
        };
    }

    /**
     * What they show now.
     *
     * @param kvPages pages of the KV cache
     * @param kvPagesUsed of these, those in use
     */
    MeterReadings read(int kvPages, int kvPagesUsed) {
        Map<FinishReason, Long> endings = new EnumMap<>(FinishReason.class);
        ended.forEach((reason, count) -> endings.put(reason, count.sum()));
        long[] evicted = new long[evictions.length()];
        for (int layer = 0; layer < evicted.length; layer++) {
            evicted[layer] = evictions.getOpaque(layer);
        }
        return new MeterReadings(
                queue.snapshot(),
                firstToken.snapshot(),
                betweenTokens.snapshot(),
                stepStall.snapshot(),
                expertRead.snapshot(),
                endings,
                rejected.sum(),
                evicted,
                kvPages,
                kvPagesUsed);
    }
}
