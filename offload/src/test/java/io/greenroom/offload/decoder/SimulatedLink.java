package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.LoadPriority;
import io.greenroom.offload.store.LinkUse;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A link and a clock that stand still but for what a test does with them, by the rules of the real
 * one: demand is read at once and takes its time, after the piece of a guess that is under way;
 * guesses are read while the test lets time pass.
 */
final class SimulatedLink implements ExpertLoader {

    private final long expertBytes;
    private final long pieceBytes;
    private final Queue<Guess> guesses = new ArrayDeque<>();
    private double bytesPerNano;
    private long now;
    private double pieceLeft; // bytes of a piece under way, of whatever guess
    private double demandNanos;
    private double guessNanos;
    private long demandBytes;
    private double guessBytes;
    private double longestDelay;

    private static final class Guess {

        private final ExpertId id;
        private final CompletableFuture<Void> read = new CompletableFuture<>();
        private double left;

        Guess(ExpertId id, double left) {
            this.id = id;
            this.left = left;
        }
    }

    SimulatedLink(long expertBytes, long pieceBytes, double bytesPerNano) {
        this.expertBytes = expertBytes;
        this.pieceBytes = pieceBytes;
        this.bytesPerNano = bytesPerNano;
    }

    long now() {
        return now;
    }

    LinkUse use() {
        return new LinkUse(
                Math.round(demandNanos), Math.round(guessNanos), demandBytes, (long) guessBytes);
    }

    void speed(double nowBytesPerNano) {
        bytesPerNano = nowBytesPerNano;
    }

    /** The longest that demand waited for a guess, in bytes. */
    double longestDelay() {
        return longestDelay;
    }

    /** Time passes in which nobody waits. */
    void advance(long nanos) {
        double budget = nanos * bytesPerNano;
        while (budget > 0 && (pieceLeft > 0 || !guesses.isEmpty())) {
            if (pieceLeft == 0) {
                pieceLeft = Math.min(pieceBytes, guesses.element().left);
            }
            double read = Math.min(budget, pieceLeft);
            budget -= read;
            read(read);
        }
        now += nanos;
    }

    private void read(double bytes) {
        pieceLeft -= bytes;
        guessBytes += bytes;
        guessNanos += bytes / bytesPerNano;
        Guess first = guesses.peek();
        if (first != null) {
            first.left -= bytes;
            if (first.left <= 0.5) {
                guesses.remove();
                pieceLeft = 0;
                first.read.complete(null);
            }
        }
    }

    @Override
    public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
        if (priority != LoadPriority.DEMAND) {
            Guess guess = new Guess(id, expertBytes);
            guesses.add(guess);
            return guess.read;
        }
        finishPiece();
        demand(expertBytes);
        return CompletableFuture.completedFuture(null);
    }

    private void finishPiece() {
        longestDelay = Math.max(longestDelay, pieceLeft);
        if (pieceLeft > 0) {
            double nanos = pieceLeft / bytesPerNano;
            now += Math.round(nanos);
            demandNanos += nanos;
            guessNanos -= nanos; // read() adds them, but somebody waits
            read(pieceLeft);
        }
    }

    private void demand(double bytes) {
        double nanos = bytes / bytesPerNano;
        now += Math.round(nanos);
        demandNanos += nanos;
        demandBytes += (long) bytes;
    }

    @Override
    public void promote(ExpertId id) {
        finishPiece();
        Guess guess = take(id);
        if (guess != null) {
            demand(guess.left);
            guess.read.complete(null);
        }
    }

    @Override
    public boolean cancel(ExpertId id) {
        Guess guess = take(id);
        if (guess == null) {
            return false;
        }
        guess.read.completeExceptionally(new CancellationException("called off"));
        return true;
    }

    private @Nullable Guess take(ExpertId id) {
        for (Iterator<Guess> all = guesses.iterator(); all.hasNext(); ) {
            Guess guess = all.next();
            if (guess.id.equals(id)) {
                all.remove();
                return guess;
            }
        }
        return null;
    }
}
