package io.greenroom.plugin.engine;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.heat.Heat;
import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.cache.usage.TimeCounts;
import io.greenroom.cache.usage.TimeHistogram;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.gating.predict.PredictionStats;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.BudgetChange;
import io.greenroom.offload.decoder.BudgetRange;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.Generation;
import io.greenroom.offload.decoder.GenerationRequest;
import io.greenroom.offload.decoder.GenerationUsage;
import io.greenroom.offload.decoder.MeterReadings;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.decoder.PrefetchStatus;
import io.greenroom.offload.decoder.Residency;
import io.greenroom.offload.decoder.TokenListener;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertSpans;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.TensorSpan;
import io.greenroom.offload.store.TokenizerFiles;
import io.greenroom.plugin.protocol.text.TestVocabulary;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A model whose tokens a test says one by one. Its tokens are bytes, see TestVocabulary. */
public class FakeMoeModel implements MoeModel {

    public static final String CHAT_ML =
            "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n'"
                    + " }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{%"
                    + " endif %}";

    /** One submitted request. */
    public static final class Running implements Generation {

        private final GenerationRequest request;
        private final TokenListener listener;
        private int produced;
        private boolean over;

        Running(GenerationRequest request, TokenListener listener) {
            this.request = request;
            this.listener = listener;
        }

        public GenerationRequest request() {
            return request;
        }

        /** Says a text, a token per byte; ends with STOP when the listener has enough. */
        public Running say(String text) {
            for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
                if (over) {
                    break;
                }
                produced++;
                if (!listener.onToken(b & 0xFF)) {
                    finish(FinishReason.STOP, null);
                }
            }
            return this;
        }

        public void finish(FinishReason reason, @Nullable Throwable failure) {
            synchronized (this) {
                if (over) {
                    return;
                }
                over = true;
            }
            int prompt = request.prompt().length;
            listener.onFinish(reason, new GenerationUsage(prompt, produced, 1, 2, 3), failure);
        }

        public synchronized boolean isOver() {
            return over;
        }

        @Override
        public void cancel() {
            finish(FinishReason.CANCELLED, null);
        }
    }

    private final BlockingQueue<Running> submitted = new LinkedBlockingQueue<>();
    private final List<Running> all = new CopyOnWriteArrayList<>();
    private final @Nullable String template;
    private final ExpertUsage usage = new ExpertUsage(2, 4, id -> 100);
    private final TimeHistogram times = TimeHistogram.ofSeconds(0, 0.1, 1);
    private final BitSet inMemory = new BitSet();
    private volatile @Nullable RuntimeException refusal;
    private volatile boolean closed;
    private volatile ExpertBudget asked = ExpertBudget.AUTO;

    private volatile @Nullable Heat warmedWith;
    private volatile CompletableFuture<Integer> warming = CompletableFuture.completedFuture(0);
    private @Nullable MixedStatus mixed;

    public FakeMoeModel() {
        this(CHAT_ML);
    }

    public FakeMoeModel(@Nullable String template) {
        this.template = template;
    }

    /** The next request, waited for. */
    public Running next() throws InterruptedException {
        Running running = submitted.poll(10, TimeUnit.SECONDS);
        if (running == null) {
            throw new AssertionError("No request came");
        }
        return running;
    }

    public boolean hasNext() {
        return !submitted.isEmpty();
    }

    /** Makes every submission fail. */
    public void refuseWith(@Nullable RuntimeException failure) {
        refusal = failure;
    }

    public boolean isClosed() {
        return closed;
    }

    @Override
    public Generation submit(GenerationRequest request, TokenListener listener) {
        RuntimeException failure = refusal;
        if (failure != null) {
            throw failure;
        }
        Running running = new Running(request, listener);
        all.add(running);
        submitted.add(running);
        return running;
    }

    @Override
    public Checkpoint checkpoint() {
        TokenizerFiles files = TestVocabulary.files(TestVocabulary.byteLevel("qwen2"), template);
        return new Checkpoint() {
            @Override
            public Path location() {
                return Path.of("/models/fake");
            }

            @Override
            public ModelSpec spec() {
                throw new UnsupportedOperationException();
            }

            @Override
            public Optional<TensorSpan> tensor(String name) {
                return Optional.empty();
            }

            @Override
            public List<TensorSpan> tensors() {
                return List.of();
            }

            @Override
            public ExpertSpans expert(ExpertId id) {
                throw new UnsupportedOperationException();
            }

            @Override
            public TokenizerFiles tokenizer() {
                return files;
            }
        };
    }

    @Override
    public int contextLength() {
        return 100;
    }

    /** Makes the model say that it runs in mixed precision. */
    public void mixed(MixedStatus status) {
        mixed = status;
    }

    @Override
    public Optional<MixedStatus> mixedPrecision() {
        return Optional.ofNullable(mixed);
    }

    /** Counters that a test may drive: a model of 2 layers of 4 experts, 100 bytes each. */
    public ExpertUsage counters() {
        return usage;
    }

    @Override
    public PrefetchStatus prefetch() {
        return new PrefetchStatus(
                ModelOptions.Prefetch.AUTO,
                true,
                "on: a step takes 4.0 % less with it (2.0 to 6.0, 64 pairs)",
                0.25,
                1_000_000_000,
                List.of(
                        new PrefetchStatus.Layer(
                                1, 100, 1.5, new PredictionStats.Recall(200, 150, 180))));
    }

    /** Meters that a test may drive, all of them together. */
    public TimeHistogram times() {
        return times;
    }

    @Override
    public MeterReadings meters() {
        TimeCounts counts = times.snapshot();
        Map<FinishReason, Long> ended = new EnumMap<>(FinishReason.class);
        ended.put(FinishReason.STOP, 7L);
        ended.put(FinishReason.CANCELLED, 2L);
        return new MeterReadings(
                counts, counts, counts, counts, counts, ended, 3, new long[] {1, 4}, 16, 5);
    }

    /** Who is in memory, as a test says: 8 experts, layer by layer. */
    public BitSet inMemory() {
        return inMemory;
    }

    @Override
    public Residency residency() {
        if (closed) {
            throw new IllegalStateException("The expert cache is closed");
        }
        BitSet routed = new BitSet();
        routed.set(0, 2);
        return new Residency(2, 4, routed, (BitSet) inMemory.clone(), new BitSet());
    }

    @Override
    public BudgetRange budgetRange() {
        return new BudgetRange(size(200), size(6400));
    }

    @Override
    public Collection<ExpertId> residents() {
        return List.of(new ExpertId(0, 1), new ExpertId(0, 2), new ExpertId(1, 2));
    }

    @Override
    public UsageSnapshot usage() {
        return usage.snapshot();
    }

    /** What {@link #warm} was called with, the last time. */
    public @Nullable Heat warmedWith() {
        return warmedWith;
    }

    /** What {@link #warm} answers; completed from the start. */
    public void warming(CompletableFuture<Integer> reading) {
        warming = reading;
    }

    @Override
    public CompletableFuture<Integer> warm(Heat heat) {
        warmedWith = heat;
        return warming;
    }

    @Override
    public Status status() {
        return new Status(
                1000,
                900,
                100,
                9,
                5,
                64,
                50,
                60,
                1,
                2,
                30,
                40,
                new CacheStats(3, 1, 4, 0, 0, 400, 0, 0, 0, 0, 7));
    }

    @Override
    public BudgetChange setBudget(ExpertBudget budget) {
        if (closed) {
            throw new IllegalStateException("The expert cache is closed");
        }
        long bytes = budget.resolve(6400, 6400);
        if (bytes < 200) {
            throw new IllegalArgumentException("The smallest budget that works is 200 bytes");
        }
        ExpertBudget before = asked;
        asked = budget;
        return new BudgetChange(
                budget,
                size(before.resolve(6400, 6400)),
                size(bytes),
                CompletableFuture.completedFuture((int) (bytes / 100)));
    }

    private static BudgetChange.Size size(long bytes) {
        return new BudgetChange.Size(bytes, (int) (bytes / 100));
    }

    @Override
    public ExpertBudget budget() {
        return asked;
    }

    @Override
    public Routing routing() {
        return new Routing(
                RoutingDial.EXACT,
                RoutingDial.parse("biased:0.5"),
                new RoutingCost(80, 8, 0, 10, 0.5));
    }

    @Override
    public void close() {
        closed = true;
        all.forEach(running -> running.finish(FinishReason.UNLOADED, null));
    }
}
