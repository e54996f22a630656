package io.greenroom.plugin.cli;

import io.greenroom.cache.CacheStats;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.GenerationRequest;
import io.greenroom.offload.decoder.GenerationUsage;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.PrefetchStatus;
import io.greenroom.offload.decoder.SamplingParameters;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.decoder.TokenListener;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.plugin.config.ConfigException;
import io.greenroom.plugin.config.ModelConfig;
import io.greenroom.plugin.host.ModelDefinition;
import io.greenroom.plugin.protocol.text.ModelText;
import io.greenroom.plugin.protocol.text.TokenizerException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** One generation by a freshly loaded model, and what it took. */
final class BenchRun {

    private BenchRun() {}

    /**
     * What is generated.
     *
     * @param prompt the text, or null for random tokens
     * @param promptTokens how many of them
     * @param tokens to generate
     * @param seed of the random tokens and of sampling
     */
    record Work(@Nullable String prompt, int promptTokens, int tokens, long seed) {}

    /**
     * What a run took, from its first token to its last.
     *
     * @param tokens those generated
     * @param firstTokenSeconds from the request to the first token
     * @param seconds from the first token to the last
     * @param cache what the cache counted in that time
     * @param prefetch what prefetch was doing at the end
     */
    record Result(
            int[] tokens,
            double firstTokenSeconds,
            double seconds,
            CacheStats cache,
            PrefetchStatus prefetch) {

        private int steps() {
            return tokens.length - 1;
        }

        double tokensPerSecond() {
            return steps() / seconds;
        }

        double bytesPerToken() {
            return (double) cache.bytesLoaded() / steps();
        }

        double stallShare() {
            return cache.stallNanos() / 1e9 / seconds;
        }
    }

    static Result of(ModelDefinition definition, Work work)
            throws IOException, InterruptedException {
        try (ServingModel model = load(definition)) {
            return answer(model, work);
        }
    }

    /** One request to a model that may have answered others. */
    static Result answer(ServingModel model, Work work) throws IOException, InterruptedException {
        int[] prompt = prompt(work, model.checkpoint());
        Meter meter = new Meter(model);
        SamplingParameters sampling = new SamplingParameters(1, 0, 1, 0, work.seed(), 1, 0, 0);
        model.submit(new GenerationRequest(prompt, work.tokens(), sampling, Set.of()), meter);
        return meter.await();
    }

    /** Loads a model for itself alone, as no host would: whatever the plugin's settings say. */
    static ServingModel load(ModelDefinition definition) throws IOException {
        ModelConfig config = config(definition);
        Path location =
                config.model().toString().isEmpty()
                        ? definition.path()
                        : definition.path().resolve(config.model());
        return MoeModels.load(
                Checkpoints.open(location), config.options(), null, (done, all) -> {});
    }

    private static ModelConfig config(ModelDefinition definition) throws IOException {
        try {
            return ModelConfig.read(definition.options());
        } catch (ConfigException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static int[] prompt(Work work, Checkpoint checkpoint) throws IOException {
        String text = work.prompt();
        if (text == null) {
            int vocabulary = checkpoint.spec().vocabulary();
            return new Random(work.seed()).ints(work.promptTokens(), 0, vocabulary).toArray();
        }
        try (ModelText known = ModelText.open(checkpoint.tokenizer())) {
            return known.tokenizer().encode(text, true);
        } catch (TokenizerException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /** Reads the clock and the counters at the first token and at the last. */
    private static final class Meter implements TokenListener {

        private final ServingModel model;
        private final CountDownLatch finished = new CountDownLatch(1);
        private final long begin = System.nanoTime();
        private int[] tokens = new int[16];
        private int count;
        private long firstAt;
        private long lastAt;
        private @Nullable CacheStats first;
        private @Nullable Throwable failure;

        Meter(ServingModel model) {
            this.model = model;
        }

        @Override
        public boolean onToken(int token) {
            lastAt = System.nanoTime();
            if (first == null) {
                firstAt = lastAt;
                first = model.status().cache();
            }
            if (count == tokens.length) {
                tokens = Arrays.copyOf(tokens, 2 * count);
            }
            tokens[count++] = token;
            return true;
        }

        @Override
        public void onFinish(
                FinishReason reason, GenerationUsage usage, @Nullable Throwable problem) {
            failure = problem;
            finished.countDown();
        }

        Result await() throws IOException, InterruptedException {
            finished.await();
            CacheStats before = first;
            if (failure != null || before == null || count < 2) {
                throw new IOException(
                        "The run made "
                                + count
                                + " tokens"
                                + (failure == null ? "" : ": " + failure.getMessage()),
                        failure);
            }
            return new Result(
                    Arrays.copyOf(tokens, count),
                    (firstAt - begin) / 1e9,
                    (lastAt - firstAt) / 1e9,
                    difference(before, model.status().cache()),
                    model.prefetch());
        }

        private static CacheStats difference(CacheStats from, CacheStats to) {
            return new CacheStats(
                    to.hits() - from.hits(),
                    to.misses() - from.misses(),
                    to.loads() - from.loads(),
                    to.loadFailures() - from.loadFailures(),
                    to.evictions() - from.evictions(),
                    to.bytesLoaded() - from.bytesLoaded(),
                    to.prefetchIssued() - from.prefetchIssued(),
                    to.prefetchUseful() - from.prefetchUseful(),
                    to.prefetchLate() - from.prefetchLate(),
                    to.prefetchWasted() - from.prefetchWasted(),
                    to.stallNanos() - from.stallNanos());
        }
    }
}
