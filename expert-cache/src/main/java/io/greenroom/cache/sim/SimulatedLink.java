package io.greenroom.cache.sim;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The link experts are read over, in simulated time. Demand goes before guesses: a guess is read in
 * pieces, and demand waits for the piece under way at most.
 */
final class SimulatedLink {

    /** An expert is read as its three matrices. */
    private static final int PIECES = 3;

    /** A guess being read or waiting to be. */
    static final class Guess {
        final int expert;
        private final double asked;
        private final double pieceBytes;
        private int piecesLeft = PIECES;
        private double over; // of the pieces read so far

        Guess(int expert, double asked, double bytes) {
            this.expert = expert;
            this.asked = asked;
            this.pieceBytes = bytes / PIECES;
        }
    }

    private final TimeModel time;
    private final ArrayDeque<Guess> guesses = new ArrayDeque<>(); // in the order asked
    private double free; // when the link is through with what it has begun

    SimulatedLink(TimeModel time) {
        this.time = time;
    }

    /** Begins a read that somebody waits for; says when it is over. */
    double demand(double now, double bytes) {
        run(now);
        free = Math.max(free, now + time.readLatency()) + time.transfer(bytes);
        return free;
    }

    /** Queues a guess. */
    Guess guess(int expert, double now, double bytes) {
        Guess guess = new Guess(expert, now, bytes);
        guesses.addLast(guess);
        return guess;
    }

    /** Somebody now waits for a guess that has not arrived: what is left of it goes first. */
    double promote(Guess guess, double now) {
        run(now);
        guesses.remove(guess);
        if (guess.piecesLeft > 0) {
            double from = Math.max(free, guess.asked + time.readLatency());
            free = from + time.transfer(guess.piecesLeft * guess.pieceBytes);
            guess.over = free;
        }
        return guess.over;
    }

    /** Takes a guess that has arrived by now, or null. */
    @Nullable Guess arrived(double now) {
        run(now);
        Guess first = guesses.peekFirst();
        boolean there = first != null && first.piecesLeft == 0 && first.over <= now;
        return there ? guesses.pollFirst() : null;
    }

    /** Calls off a guess if no piece of it was begun; says whether that was so. */
    boolean cancel(Guess guess, double now) {
        run(now);
        return guess.piecesLeft == PIECES && guesses.remove(guess);
    }

    /** Spends the time until now on guesses, as far as demand left any. */
    private void run(double now) {
        for (Guess guess : guesses) {
            while (guess.piecesLeft > 0) {
                double from = Math.max(free, guess.asked + time.readLatency());
                if (from > now) {
                    return;
                }
                free = from + time.transfer(guess.pieceBytes);
                guess.over = free;
                guess.piecesLeft--;
            }
        }
    }
}
