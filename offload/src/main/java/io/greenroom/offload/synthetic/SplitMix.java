package io.greenroom.offload.synthetic;

/**
 * SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA
 * 2014): one addition and one mix for 64 bits, and any number of independent streams by seeding
 * with a mixed value. Not thread-safe.
 */
final class SplitMix {

    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private static final float UNIT = 1.0f / (1 << 16);
    private static final float SQRT_3 = 1.7320508f;

    private long state;

    SplitMix(long seed) {
        state = seed;
    }

    /** Seeds anew with a part of something seeded: the streams of two parts are unrelated. */
    SplitMix reseed(long seed, long part) {
        state = mix(seed + mix(part + GOLDEN));
        return this;
    }

    /** The seed of something named, among others of the same base seed. */
    static long seedOf(long base, String name) {
        long hash = 0xCBF29CE484222325L; // FNV-1a
        for (int i = 0; i < name.length(); i++) {
            hash = (hash ^ name.charAt(i)) * 0x100000001B3L;
        }
        return mix(base + mix(hash));
    }

    long next() {
        state += GOLDEN;
        return mix(state);
    }

    /**
     * About normally distributed, mean 0 and deviation 1: the sum of four uniform numbers, so never
     * beyond 3.5.
     */
    float nextNormal() {
        long bits = next();
        int sum =
                (short) bits
                        + (short) (bits >>> 16)
                        + (short) (bits >>> 32)
                        + (short) (bits >>> 48);
        return (sum + 2) * UNIT * SQRT_3; // the mean of a short is -0.5
    }

    /** Uniform in [0, bound). */
    int nextInt(int bound) {
        return (int) Long.remainderUnsigned(next(), bound);
    }

    private static long mix(long z) {
        long mixed = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }
}
