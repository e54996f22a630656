package io.greenroom.offload.decoder;

import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** One generation: prompt in, sampled tokens out to a listener. */
final class GenerationSession extends SequenceSession implements Generation {

    private final GenerationRequest request;
    private final int limit;
    private final TokenListener listener;
    private final Sampler sampler;
    private final LongSupplier clock;
    private final ModelMeters meters;
    private final long submitted;
    private long firstStep;
    private long firstToken;
    private long lastToken;
    private boolean started;
    private int produced;

    /**
     * @param request the prompt and how to go on
     * @param limit most tokens to produce, at least 1, prompt and output within the context
     * @param routing what the request's own wish and the model's limit come to
     * @param listener hears the tokens
     * @param heap scratch of the thread that samples
     * @param clock nanoseconds
     * @param meters of the model
     */
    GenerationSession(
            GenerationRequest request,
            int limit,
            SessionRouting routing,
            TokenListener listener,
            TokenHeap heap,
            LongSupplier clock,
            ModelMeters meters) {
        // The last token produced is never fed back, so it needs no position.
        super(
                request.prompt(),
                request.prompt().length,
                request.prompt().length + limit - 1,
                routing);
        this.request = request;
        this.limit = limit;
        this.listener = listener;
        this.sampler = new Sampler(request.sampling(), request.prompt(), heap);
        this.clock = clock;
        this.meters = meters;
        this.submitted = clock.getAsLong();
    }

    @Override
    boolean wantsLogits(int position) {
        return position == lastPosition();
    }

    @Override
    void onRows(int count) {
        if (!started) {
            started = true;
            firstStep = clock.getAsLong();
            meters.queued(firstStep - submitted);
        }
        if (prefilling()) {
            meters.promptTokens(count);
        }
    }

    @Override
    @Nullable FinishReason onLogits(int position, float[] logits) {
        int token = sampler.next(logits);
        if (request.endTokens().contains(token)) {
            return FinishReason.STOP;
        }
        long now = clock.getAsLong();
        if (produced++ == 0) {
            firstToken = now;
            meters.firstToken(now - submitted);
        } else {
            meters.nextToken(now - lastToken);
        }
        lastToken = now;
        if (!listener.onToken(token)) {
            return FinishReason.STOP;
        }
        if (produced == limit) {
            return FinishReason.LENGTH;
        }
        append(token);
        return null;
    }

    @Override
    void onEnd(FinishReason reason, @Nullable Throwable failure) {
        long now = clock.getAsLong();
        meters.ended(reason);
        listener.onFinish(
                reason,
                new GenerationUsage(
                        request.prompt().length,
                        produced,
                        (started ? firstStep : now) - submitted,
                        produced == 0 ? 0 : firstToken - submitted,
                        now - submitted,
                        routing(),
                        routingCost(),
                        precisionCost()),
                failure);
    }
}
