package io.greenroom.offload.decoder;

import io.greenroom.gating.precision.PrecisionTally;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.gating.residency.RoutingTally;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one step: which tokens of which sequences run through the model together.
 *
 * <p>A row is one token. Rows of a sequence are in order of position, and a sequence's rows stand
 * together. A sequence that fails on the way leaves the batch with all its rows; the others go on,
 * which is sound because kernels are deterministic by row.
 *
 * <p>Reused from step to step; used by one thread.
 */
final class Batch {

    private final int[] tokens; // [capacity] token ids
    private final int[] positions; // [capacity] position within the sequence
    private final int[] sequences; // [capacity] index of the row's sequence
    private final int[] cells; // [capacity] cell of the KV cache the row writes
    private final boolean[] wanted; // [capacity] whether the row's logits are wanted
    private final int[] requests; // [maxSequences] number of the sequence's request
    private final boolean[] prompts; // [maxSequences] whether its rows are of a prompt
    private final int[][] pageTables; // [maxSequences][pages of the sequence]
    private final @Nullable Throwable[] failures; // [maxSequences]
    private final RoutingDial[] dials; // [maxSequences]
    private final @Nullable RoutingTally[] tallies; // [maxSequences]
    private final @Nullable PrecisionTally[] precisions; // [maxSequences]
    private final boolean[] renewing; // [maxSequences], see SessionRouting.renews
    private int rows;
    private int sequenceCount;
    private boolean failedRows;
    private boolean yielding;
    private boolean anyRenewing;

    Batch(int capacity, int maxSequences) {
        tokens = new int[capacity];
        positions = new int[capacity];
        sequences = new int[capacity];
        cells = new int[capacity];
        wanted = new boolean[capacity];
        requests = new int[maxSequences];
        prompts = new boolean[maxSequences];
        pageTables = new int[maxSequences][];
        failures = new Throwable[maxSequences];
        dials = new RoutingDial[maxSequences];
        tallies = new RoutingTally[maxSequences];
        precisions = new PrecisionTally[maxSequences];
        renewing = new boolean[maxSequences];
        clear();
    }

    void clear() {
        Arrays.fill(pageTables, new int[0]);
        Arrays.fill(failures, null);
        Arrays.fill(dials, RoutingDial.EXACT);
        Arrays.fill(tallies, null);
        Arrays.fill(precisions, null);
        Arrays.fill(renewing, false);
        yielding = false;
        anyRenewing = false;
        rows = 0;
        sequenceCount = 0;
        failedRows = false;
    }

    /**
     * Opens the next sequence; rows added from now on are its rows, and routed exactly.
     *
     * @return its index
     */
    int addSequence(int[] pageTable) {
        pageTables[sequenceCount] = pageTable;
        return sequenceCount++;
    }

    /**
     * As {@link #addSequence(int[])}, for rows that may yield to residents.
     *
     * @param prompt whether the rows are part of the request's prompt
     * @param tally counts what that costs
     */
    int addSequence(int[] pageTable, SessionRouting routing, boolean prompt, RoutingTally tally) {
        RoutingDial dial = prompt ? routing.prompt() : routing.output();
        dials[sequenceCount] = dial;
        tallies[sequenceCount] = tally;
        yielding |= !dial.isExact();
        renewing[sequenceCount] = routing.renews();
        anyRenewing |= renewing[sequenceCount];
        return addSequence(pageTable);
    }

    /**
     * Says whose rows the sequence opened last has.
     *
     * @param number of the request, the same in all steps
     * @param prompt whether the rows are of a prompt, taken in chunks
     */
    void request(int number, boolean prompt) {
        requests[sequenceCount - 1] = number;
        prompts[sequenceCount - 1] = prompt;
    }

    /** Number of a sequence's request. */
    int request(int sequence) {
        return requests[sequence];
    }

    /** Whether a sequence's rows are of a prompt, taken in chunks. */
    boolean isPrompt(int sequence) {
        return prompts[sequence];
    }

    /** Says who counts what mixed precision changes for the sequence opened last. */
    void countPrecision(PrecisionTally tally) {
        precisions[sequenceCount - 1] = tally;
    }

    /** Who counts what mixed precision changes for a row, or null. */
    @Nullable PrecisionTally precisionTally(int row) {
        return precisions[sequences[row]];
    }

    /** Whether any row is of a request that lives by the resident set being renewed. */
    boolean isRenewing() {
        return anyRenewing;
    }

    /** Whether a row is of such a request. */
    boolean isRenewing(int row) {
        return renewing[sequences[row]];
    }

    /** Whether all rows are of such requests. */
    boolean isRenewingThroughout() {
        for (int sequence = 0; sequence < sequenceCount; sequence++) {
            if (!renewing[sequence]) {
                return false;
            }
        }
        return true;
    }

    /** Whether any row is routed otherwise than exactly. */
    boolean isYielding() {
        return yielding;
    }

    /** How a row is routed. */
    RoutingDial dial(int row) {
        return dials[sequences[row]];
    }

    /** Who counts what a row's routing costs; null where nobody does. */
    @Nullable RoutingTally tally(int row) {
        return tallies[sequences[row]];
    }

    /** Adds a row to the sequence opened last. */
    void addRow(int token, int position, boolean wantsLogits) {
        int sequence = sequenceCount - 1;
        tokens[rows] = token;
        positions[rows] = position;
        sequences[rows] = sequence;
        cells[rows] = KvCache.cell(pageTables[sequence], position);
        wanted[rows] = wantsLogits;
        rows++;
    }

    int rows() {
        return rows;
    }

    int capacity() {
        return tokens.length;
    }

    int sequenceCount() {
        return sequenceCount;
    }

    int[] tokens() {
        return tokens;
    }

    int[] positions() {
        return positions;
    }

    int[] sequences() {
        return sequences;
    }

    int[] cells() {
        return cells;
    }

    int[][] pageTables() {
        return pageTables;
    }

    boolean wantsLogits(int row) {
        return wanted[row];
    }

    /** Marks the sequence of a row as failed; the first reason stays. */
    void fail(int row, Throwable reason) {
        int sequence = sequences[row];
        if (failures[sequence] == null) {
            failures[sequence] = reason;
            failedRows = true;
        }
    }

    /** Why a sequence failed, or null. */
    @Nullable Throwable failure(int sequence) {
        return failures[sequence];
    }

    /** Whether rows of failed sequences are still among {@link #rows()}. */
    boolean hasFailedRows() {
        return failedRows;
    }

    /**
     * Removes the rows of failed sequences; the rest move up in order.
     *
     * @param hidden {@code [rows, width]} row-major, moved along
     */
    void dropFailedRows(float[] hidden, int width) {
        int kept = 0;
        for (int row = 0; row < rows; row++) {
            if (failures[sequences[row]] != null) {
                continue;
            }
            if (kept != row) {
                tokens[kept] = tokens[row];
                positions[kept] = positions[row];
                sequences[kept] = sequences[row];
                cells[kept] = cells[row];
                wanted[kept] = wanted[row];
                System.arraycopy(hidden, row * width, hidden, kept * width, width);
            }
            kept++;
        }
        rows = kept;
        failedRows = false;
    }
}
