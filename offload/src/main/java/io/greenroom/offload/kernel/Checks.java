package io.greenroom.offload.kernel;

/**
 * What must hold before a call crosses into native code, where nothing is checked again. Texts say
 * the operation, what was given and what was expected.
 */
final class Checks {

    private Checks() {}

    /** That {@code n} rows are there. */
    static void rows(String what, Activations x, int n) {
        if (n < 0 || n > x.rows()) {
            throw new IndexOutOfBoundsException(what + ": " + n + " rows asked of " + x.rows());
        }
    }

    static void equal(String what, String given, long value, String expected, long other) {
        if (value != other) {
            throw new IllegalArgumentException(
                    what + ": " + given + " is " + value + ", " + expected + " is " + other);
        }
    }

    static void positive(String what, String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(
                    what + ": " + name + " must be at least 1, got " + value);
        }
    }

    /** That the first {@code n} entries exist and lie in {@code [0, limit)}. */
    static void indices(String what, String name, int[] indices, int n, long limit) {
        length(what, name, indices.length, n);
        for (int i = 0; i < n; i++) {
            if (indices[i] < 0 || indices[i] >= limit) {
                throw new IndexOutOfBoundsException(
                        what
                                + ": "
                                + name
                                + "["
                                + i
                                + "] is "
                                + indices[i]
                                + ", must be 0 to "
                                + (limit - 1));
            }
        }
    }

    static void length(String what, String name, long length, long needed) {
        if (length < needed) {
            throw new IllegalArgumentException(
                    what + ": " + name + " has " + length + " entries, needs " + needed);
        }
    }

    /** That two matrices share no byte. */
    static void disjoint(String what, String names, Activations a, Activations b) {
        long first = a.address();
        long second = b.address();
        if (first < second + bytes(b) && second < first + bytes(a)) {
            throw new IllegalArgumentException(what + ": " + names + " overlap");
        }
    }

    private static long bytes(Activations x) {
        return (long) x.rows() * x.cols() * Float.BYTES;
    }
}
