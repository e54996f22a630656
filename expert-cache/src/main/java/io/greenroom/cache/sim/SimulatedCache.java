package io.greenroom.cache.sim;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.EvictionPolicy;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import io.greenroom.cache.sim.SimulatedLink.Guess;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the live cache and the decoder's walk do, in one thread and in simulated time: residents are
 * held and computed first; missing experts take slots in order as far as there are any, wait for
 * the link, and are computed as they arrive; guesses are read while the link idles.
 */
final class SimulatedCache {

    /** Only small batches are predicted. */
    private static final int MOST_ROWS_PREDICTED = 8;

    private final RoutingSequence sequence;
    private final SimulationSetup setup;
    private final TimeModel time;
    private final EvictionPolicy policy;
    private final SimulatedLink link;
    private final SimulatedSlots slots;
    private final int experts;
    private final int floor;
    private final int depth; // missing experts of a visit under way or waiting to be computed
    private final int maxPrefetch;
    private final List<int[]> last = new ArrayList<>(); // [layers]: experts of the last visit
    private final float[] scores; // [experts]
    private final int[] rows; // [experts]: rows of the visit under way

    private final double[] due; // [total]: when the read that the visit waits for is over
    private final boolean[] arrived; // [total]: was missing and waits to be computed
    private final @Nullable Guess[] guesses; // [total]: read for a guess alone
    private final ArrayDeque<Integer> missing = new ArrayDeque<>();
    private final ArrayDeque<Integer> ready = new ArrayDeque<>();
    private final List<Integer> awaited = new ArrayList<>();
    private int outstanding; // being read for the visit, or arrived and not computed
    private int guessesLoading;
    private int step = -1;
    private double clock;

    private long hits;
    private long misses;
    private long decodeHits;
    private long decodeMisses;
    private long bytesLoaded;
    private long issued;
    private long useful;
    private long late;
    private double stall;
    private long decodeTokens;
    private double decodeNanos;

    SimulatedCache(RoutingSequence sequence, SimulationSetup setup, EvictionPolicy policy) {
        this.sequence = sequence;
        this.setup = setup;
        this.time = setup.time();
        this.policy = policy;
        this.link = new SimulatedLink(time);
        CacheShape shape = sequence.shape();
        experts = shape.experts();
        floor = shape.expertsPerToken();
        depth = Math.max(16, 2 * floor);
        maxPrefetch = 2 * floor;
        slots = new SimulatedSlots(policy, shape, setup.slots(), maxPrefetch);
        scores = new float[experts];
        rows = new int[experts];
        due = new double[shape.total()];
        arrived = new boolean[shape.total()];
        guesses = new Guess[shape.total()];
        for (int layer = 0; layer < shape.layers(); layer++) {
            last.add(new int[0]);
        }
    }

    SimulationResult result() {
        return new SimulationResult(
                hits,
                misses,
                decodeHits,
                decodeMisses,
                slots.evictions(),
                bytesLoaded,
                issued,
                useful,
                late,
                slots.wasted(),
                sequence.tokens(),
                clock,
                stall,
                decodeTokens,
                decodeNanos);
    }

    /** Runs one visit of the sequence. */
    void visit(int number) {
        Visit visit = sequence.visits().get(number);
        double began = clock;
        if (visit.step() != step) {
            step = visit.step();
            clock += time.step();
            decodeTokens += visit.decode() ? visit.rows() : 0;
        }
        clock += time.layer() + visit.rows() * time.row();
        receiveGuesses();
        begin(visit);
        startReads();
        if (number + 1 < sequence.visits().size()) {
            guess(sequence.visits().get(number + 1));
        }
        computeAll(visit.layer() * experts);
        last.set(visit.layer(), visit.experts());
        if (visit.decode()) {
            decodeNanos += clock - began;
        }
    }

    private void begin(Visit visit) {
        int first = visit.layer() * experts;
        if (visit.scored().length > 0) {
            Arrays.fill(scores, 0);
            for (int i = 0; i < visit.scored().length; i++) {
                scores[visit.scored()[i]] = visit.scores()[i];
            }
            policy.observed(visit.layer(), scores);
        }
        slots.evictUnwanted();
        policy.visiting(visit.layer(), visit.experts());
        int hit = 0;
        for (int i = 0; i < visit.experts().length; i++) {
            int e = first + visit.experts()[i];
            rows[visit.experts()[i]] = visit.counts()[i];
            Guess guess = guesses[e];
            if (slots.isResident(e)) {
                hit++;
                useful += slots.use(e) ? 1 : 0;
                ready.addLast(e);
            } else if (guess != null) {
                late++;
                guesses[e] = null;
                guessesLoading--;
                await(e, link.promote(guess, clock));
            }
        }
        for (int expert : visit.experts()) {
            if (slots.isAbsent(first + expert)) {
                missing.addLast(first + expert);
            }
        }
        hits += hit;
        misses += visit.experts().length - hit;
        if (visit.decode()) {
            decodeHits += hit;
            decodeMisses += visit.experts().length - hit;
        }
        slots.expireGuesses(visit.layer());
        cancelGuesses(first);
    }

    /** Takes slots for missing experts and asks the link for them, as far as both allow. */
    private void startReads() {
        while (!missing.isEmpty()
                && outstanding < depth
                && slots.takeForDemand(missing.peekFirst())) {
            int e = missing.removeFirst();
            await(e, link.demand(clock, bytes(e)));
        }
        receiveDemand();
    }

    private void await(int e, double until) {
        due[e] = until;
        awaited.add(e);
        outstanding++;
    }

    private void computeAll(int first) {
        boolean waited = false;
        while (true) {
            startReads();
            Integer e = ready.pollFirst();
            if (e != null) {
                if (arrived[e]) {
                    arrived[e] = false;
                    outstanding--;
                }
                clock += time.expert() + rows[e - first] * time.expertRow();
                slots.release(e);
            } else if (awaited.isEmpty()) {
                return;
            } else {
                double earliest = Double.POSITIVE_INFINITY;
                for (int waiting : awaited) {
                    earliest = Math.min(earliest, due[waiting]);
                }
                double resumed = earliest + (waited ? 0 : time.resume());
                waited = true;
                stall += resumed - clock;
                clock = resumed;
            }
            receiveDemand();
            receiveGuesses();
        }
    }

    /** Makes what has arrived by now resident, in the order of arrival. */
    private void receiveDemand() {
        while (true) {
            int next = -1;
            for (int i = 0; i < awaited.size(); i++) {
                double at = due[awaited.get(i)];
                if (at <= clock && (next < 0 || at < due[awaited.get(next)])) {
                    next = i;
                }
            }
            if (next < 0) {
                return;
            }
            int e = awaited.remove(next);
            bytesLoaded += bytes(e);
            slots.keep(e);
            arrived[e] = true;
            ready.addLast(e);
        }
    }

    private void receiveGuesses() {
        for (Guess guess = link.arrived(clock); guess != null; guess = link.arrived(clock)) {
            guesses[guess.expert] = null;
            guessesLoading--;
            bytesLoaded += bytes(guess.expert);
            slots.cue(guess.expert);
        }
    }

    private void guess(Visit next) {
        if (next.rows() > MOST_ROWS_PREDICTED) {
            return;
        }
        int first = next.layer() * experts;
        int width = 2 * floor;
        for (int expert : setup.guesses().guess(next, last)) {
            int e = first + expert;
            if (width == 0) {
                return;
            }
            if (slots.isResident(e)) {
                continue;
            }
            width--;
            if (slots.isAbsent(e)
                    && guessesLoading < maxPrefetch
                    && missing.isEmpty()
                    && slots.headroom() > floor
                    && slots.takeForGuess(e)) {
                guesses[e] = link.guess(e, clock, bytes(e));
                guessesLoading++;
                issued++;
            }
        }
    }

    /** Calls off guesses for a layer that has come, unless their bytes are on the way. */
    private void cancelGuesses(int first) {
        for (int e = first; guessesLoading > 0 && e < first + experts; e++) {
            Guess guess = guesses[e];
            if (guess != null && link.cancel(guess, clock)) {
                guesses[e] = null;
                guessesLoading--;
                slots.giveUp(e);
            }
        }
    }

    private long bytes(int e) {
        return sequence.expertBytes()[e / experts];
    }
}
