package io.greenroom.it.golden;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.GenerationRequest;
import io.greenroom.offload.decoder.GenerationUsage;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.SamplingParameters;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.decoder.TokenListener;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Models without a server: how the golden tests load and ask them. */
final class Decoding {

    /** Greedy tokens under way. */
    private static final class Greedy implements TokenListener {

        private final List<Integer> tokens = new ArrayList<>();
        private final CompletableFuture<Answer> answer = new CompletableFuture<>();

        @Override
        public boolean onToken(int token) {
            tokens.add(token);
            return true;
        }

        @Override
        public void onFinish(
                FinishReason reason, GenerationUsage usage, @Nullable Throwable failure) {
            if (failure == null) {
                answer.complete(new Answer(List.copyOf(tokens), reason));
            } else {
                answer.completeExceptionally(failure);
            }
        }
    }

    private Decoding() {}

    /** What a generation came to. */
    record Answer(List<Integer> tokens, FinishReason reason) {}

    static ServingModel load(
            Checkpoint checkpoint, String budget, ModelOptions.Prefetch prefetch, int chunk)
            throws IOException {
        ModelOptions options =
                ModelOptions.builder()
                        .budget(ExpertBudget.parse(budget))
                        .prefetch(prefetch)
                        .maxConcurrent(4)
                        .maxQueued(64)
                        .prefillChunk(chunk)
                        .threads(2)
                        .build();
        return MoeModels.load(checkpoint, options, null, (done, total) -> {});
    }

    /** The bytes of the experts that one token needs at once. */
    static String smallestBudget(Checkpoint checkpoint) throws IOException {
        try (ServingModel model = load(checkpoint, "100%", ModelOptions.Prefetch.OFF, 1)) {
            return String.valueOf(model.status().slotBytes() * checkpoint.spec().expertsPerToken());
        }
    }

    /** Submits a greedy generation; the future fails if it does. */
    static CompletableFuture<Answer> submit(
            ServingModel model, int[] prompt, int tokens, Set<Integer> endTokens) {
        Greedy greedy = new Greedy();
        model.submit(
                new GenerationRequest(prompt, tokens, SamplingParameters.GREEDY, endTokens),
                greedy);
        return greedy.answer;
    }

    static Answer generate(ServingModel model, int[] prompt, int tokens, Set<Integer> endTokens)
            throws Exception {
        return submit(model, prompt, tokens, endTokens).get(120, TimeUnit.SECONDS);
    }

    /**
     * How far logits may lie from those of the reference.
     *
     * <p>Reference and engine compute with the same numbers: half precision is widened exactly,
     * blocks are dequantised to the same floats, activations stay in float32. What differs is the
     * order of summation, and the last bit of exp, sin and cos. A dot product of n terms in any
     * order has a relative error of about sqrt(n) u, u = 2^-24, when roundings are independent. A
     * layer puts about ten such operations one after the other (norms, projections, scores,
     * softmax, values, router, gate, up, down, sum), and the errors of the layers add up at worst
     * linearly in the residual stream, relative to its size. So
     *
     * <pre>tolerance = (10 * layers + 2) * sqrt(n) * u * max|logit|</pre>
     *
     * with n the longest dot product. Found with scalar kernels on the fixtures: a sixth of it or
     * less.
     */
    static double tolerance(ModelSpec spec, double largestLogit) {
        int longest = Math.max(spec.hidden(), spec.heads() * spec.headDim());
        longest = Math.max(longest, Math.max(spec.expertHidden(), spec.denseHidden()));
        longest = Math.max(longest, spec.sharedExpertHidden());
        return (10 * spec.layers() + 2) * Math.sqrt(longest) * 0x1p-24 * largestLogit;
    }

    static double largest(float[][] logits) {
        double largest = 0;
        for (float[] row : logits) {
            for (float logit : row) {
                largest = Math.max(largest, Math.abs(logit));
            }
        }
        return largest;
    }
}
