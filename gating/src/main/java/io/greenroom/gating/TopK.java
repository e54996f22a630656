package io.greenroom.gating;

/** The k largest of some numbers, in order. */
public final class TopK {

    private TopK() {}

    /**
     * Finds the k largest of {@code values[0 .. n)}, largest first, ties by lower index. Insertion
     * into a sorted row: k is small, and most values fail the first comparison.
     *
     * @param values none of them NaN
     * @param k from 1 to n
     * @param indices where the indices go: {@code indices[at .. at + k)}
     * @param largest where the values go: {@code largest[at .. at + k)}
     */
    public static void select(
            float[] values, int n, int k, int[] indices, float[] largest, int at) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            float value = values[i];
            if (count == k && value <= largest[at + count - 1]) {
                continue;
            }
            int place = at + (count < k ? count++ : count - 1);
            while (place > at && largest[place - 1] < value) {
                largest[place] = largest[place - 1];
                indices[place] = indices[place - 1];
                place--;
            }
            largest[place] = value;
            indices[place] = i;
        }
    }
}
