package io.greenroom.offload.decoder;

import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.precision.PrecisionTally;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.gating.residency.RoutingTally;
import org.jspecify.annotations.Nullable;

/**
 * Everything that changes while one request runs: its tokens, how many of them are in the KV cache,
 * and the pages they are in. Owned by the scheduler's thread; only {@link #cancel} is for others.
 */
abstract sealed class SequenceSession permits GenerationSession, EvaluationSession {

    private final int[] tokens; // prompt, then output; room for all that may come
    private final int promptTokens;
    private final SessionRouting routing;
    private final RoutingTally routingTally = new RoutingTally();
    private final PrecisionTally precisionTally = new PrecisionTally();
    private int length;
    private int processed;
    private int[] pageTable = new int[0];
    private int number = -1;
    private volatile boolean cancelled;
    private @Nullable FinishReason ended;

    /**
     * @param text the tokens known from the start
     * @param promptTokens how many of them are read in chunks; the others one a step
     * @param capacity most tokens the model will ever process for this request
     * @param routing how far it yields to residents
     */
    SequenceSession(int[] text, int promptTokens, int capacity, SessionRouting routing) {
        tokens = new int[capacity];
        this.promptTokens = promptTokens;
        this.routing = routing;
        System.arraycopy(text, 0, tokens, 0, text.length);
        length = text.length;
    }

    /** Positions of the KV cache this request may come to need. */
    int capacity() {
        return tokens.length;
    }

    /** Tokens the model has not seen yet and may see in one step. */
    int pending() {
        return (prefilling() ? promptTokens : length) - processed;
    }

    /** Whether tokens of the prompt are still to be processed. */
    final boolean prefilling() {
        return processed < promptTokens;
    }

    /** Tokens already in the KV cache. */
    int processed() {
        return processed;
    }

    /** Adds up to {@code most} pending tokens to a batch, as one sequence. */
    final int addRows(Batch batch, int most) {
        int count = Math.min(most, pending());
        batch.addSequence(pageTable, routing, prefilling(), routingTally);
        batch.request(number, prefilling());
        batch.countPrecision(precisionTally);
        for (int i = 0; i < count; i++) {
            int position = processed + i;
            batch.addRow(tokens[position], position, wantsLogits(position));
        }
        onRows(count);
        processed += count;
        return count;
    }

    /** Appends a token of the output that the model is to process next. */
    final void append(int token) {
        tokens[length++] = token;
    }

    /** Position of the last token known so far. */
    final int lastPosition() {
        return length - 1;
    }

    final int[] pageTable() {
        return pageTable;
    }

    final void pageTable(int[] table) {
        pageTable = table;
    }

    /** How far what this request generates may yield to residents. */
    final RoutingDial routing() {
        return routing.output();
    }

    /** What that has cost so far. */
    final RoutingCost routingCost() {
        return routingTally.cost();
    }

    /** The number it was admitted with; -1 before. */
    final int number() {
        return number;
    }

    final void number(int admitted) {
        number = admitted;
    }

    /** What mixed precision has changed so far. */
    final PrecisionCost precisionCost() {
        return precisionTally.cost();
    }

    /** Any thread. */
    public final void cancel() {
        cancelled = true;
    }

    final boolean cancelled() {
        return cancelled;
    }

    /** Whether the request is over, whatever the reason. */
    final boolean ended() {
        return ended != null;
    }

    /** Ends the request once; later calls do nothing. */
    final void end(FinishReason reason, @Nullable Throwable failure) {
        if (ended == null) {
            ended = reason;
            onEnd(reason, failure);
        }
    }

    /** Whether logits at this position are of use. */
    abstract boolean wantsLogits(int position);

    /** Called when rows of this request enter a batch. */
    abstract void onRows(int count);

    /**
     * Takes logits.
     *
     * @param logits {@code [vocabulary]}, the callee's until it returns
     * @return why the request is over, or null if it goes on
     */
    abstract @Nullable FinishReason onLogits(int position, float[] logits);

    /** Tells whoever waits. Called once. */
    abstract void onEnd(FinishReason reason, @Nullable Throwable failure);
}
