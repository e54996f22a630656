package io.greenroom.cache.plan;

import java.util.Arrays;

/** The corners of the largest convex function below given values (Andrew's monotone chain). */
final class ConvexHull {

    private ConvexHull() {}

    /** Indices of the corners, rising, for values at 0, 1, 2, and so on. */
    static int[] below(double[] values) {
        int[] hull = new int[values.length];
        int size = 0;
        for (int i = 0; i < values.length; i++) {
            while (size >= 2 && above(values, hull[size - 2], hull[size - 1], i)) {
                size--;
            }
            hull[size++] = i;
        }
        return Arrays.copyOf(hull, size);
    }

    /** Whether the middle point lies on or above the line through the two others. */
    private static boolean above(double[] values, int from, int middle, int to) {
        double slope = (values[to] - values[from]) / (to - from);
        return values[middle] >= values[from] + slope * (middle - from);
    }
}
