package io.greenroom.gating;

import java.util.Arrays;

/**
 * A routing decision turned round: for each expert that was chosen, the tokens that chose it, so
 * that a batch visits each expert once. Groups are ordered by popularity, the expert with most
 * tokens first, ties by lower index.
 *
 * <p>Made once and filled again for each batch; grows to the largest one. Not thread-safe.
 */
public final class ExpertGroups {

    private final int[] groupOf; // [experts], -1 if not chosen
    private final int[] counts; // [experts]
    private final long[] order; // [experts]; sort keys of the groups
    private final int[] experts; // [groups]
    private final int[] offsets; // [groups + 1], into tokens and outputs
    private int[] tokens = new int[0]; // [T * k]
    private int[] outputs = new int[0]; // [T * k]
    private int groups;

    /**
     * @param experts experts per layer
     */
    public ExpertGroups(int experts) {
        this.groupOf = new int[experts];
        this.counts = new int[experts];
        this.order = new long[experts];
        this.experts = new int[experts];
        this.offsets = new int[experts + 1];
        Arrays.fill(groupOf, -1);
    }

    /**
     * Fills the groups from a decision; what was there before is forgotten.
     *
     * @return this
     */
    public ExpertGroups group(RoutingDecision decision) {
        int[] chosen = decision.experts();
        Arrays.fill(counts, 0);
        Arrays.fill(groupOf, -1);
        groups = 0;
        for (int expert : chosen) {
            if (expert < 0 || expert >= counts.length) {
                throw new IllegalArgumentException(
                        "The decision names expert " + expert + ", but there are " + counts.length);
            }
            counts[expert]++;
        }
        for (int expert = 0; expert < counts.length; expert++) {
            if (counts[expert] > 0) {
                order[groups++] = ((long) (chosen.length - counts[expert]) << 32) | expert;
            }
        }
        Arrays.sort(order, 0, groups);
        for (int group = 0; group < groups; group++) {
            int expert = (int) order[group];
            experts[group] = expert;
            groupOf[expert] = group;
            offsets[group + 1] = offsets[group] + counts[expert];
        }
        scatter(chosen, decision.expertsPerToken());
        return this;
    }

    /** How many distinct experts were chosen. */
    public int count() {
        return groups;
    }

    /** The expert of a group. */
    public int expert(int group) {
        return experts[checkGroup(group)];
    }

    /** The distinct experts in group order; a new array. */
    public int[] experts() {
        return Arrays.copyOf(experts, groups);
    }

    /** The group of an expert, or -1 if no token chose it. */
    public int groupOf(int expert) {
        return groupOf[expert];
    }

    /** How many tokens chose the group's expert. */
    public int size(int group) {
        checkGroup(group);
        return offsets[group + 1] - offsets[group];
    }

    /** The i-th token, in ascending order, that chose the group's expert. */
    public int token(int group, int i) {
        return tokens[offsets[group] + i];
    }

    /** The row {@code token * k + rank} of the i-th token of the group: where its result goes. */
    public int output(int group, int i) {
        return outputs[offsets[group] + i];
    }

    /**
     * Copies a group for a kernel call: {@code rows[i]} is a token, {@code outRows[i]} is {@code
     * token * k + rank}, the row of the batch's {@code [T * k]} partial results that is this
     * expert's.
     *
     * @return the group's size
     */
    public int copyTo(int group, int[] rows, int[] outRows) {
        int size = size(group);
        System.arraycopy(tokens, offsets[group], rows, 0, size);
        System.arraycopy(outputs, offsets[group], outRows, 0, size);
        return size;
    }

    private void scatter(int[] chosen, int k) {
        if (tokens.length < chosen.length) {
            tokens = new int[chosen.length];
            outputs = new int[chosen.length];
        }
        // counts becomes how many of each group are still to be placed.
        for (int i = 0; i < chosen.length; i++) {
            int expert = chosen[i];
            int end = offsets[groupOf[expert] + 1];
            int at = end - counts[expert]--;
            tokens[at] = i / k;
            outputs[at] = i;
        }
    }

    private int checkGroup(int group) {
        if (group < 0 || group >= groups) {
            throw new IndexOutOfBoundsException("Group " + group + " of " + groups);
        }
        return group;
    }
}
