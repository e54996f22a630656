package io.greenroom.cache.plan;

import java.util.List;

/**
 * Slots that are to be divided between layers.
 *
 * @param curves each layer's misses per token
 * @param missBytes bytes that a miss of each layer reads
 * @param slots how many there are
 * @param least slots every layer with visits gets, as far as it has experts
 */
public record SplitProblem(List<MissCurve> curves, long[] missBytes, int slots, int least) {

    /**
     * @throws IllegalArgumentException if there are too few slots for the least of every layer
     */
    public SplitProblem {
        curves = List.copyOf(curves);
        missBytes = missBytes.clone();
        if (curves.isEmpty() || curves.size() != missBytes.length) {
            throw new IllegalArgumentException(
                    "A split needs a curve and the bytes of a miss for every layer, got "
                            + curves.size()
                            + " curves and "
                            + missBytes.length
                            + " sizes");
        }
        if (least < 0) {
            throw new IllegalArgumentException(
                    "The least slots of a layer are at least 0, got " + least);
        }
        int floor = 0;
        for (MissCurve curve : curves) {
            floor += leastOf(curve, least);
        }
        if (slots < floor) {
            throw new IllegalArgumentException(
                    slots
                            + " slots cannot give every layer "
                            + least
                            + "; that takes "
                            + floor
                            + " slots");
        }
    }

    /** One layer like the other: the same bytes for every miss. */
    public static SplitProblem even(List<MissCurve> curves, int slots, int least) {
        long[] bytes = new long[curves.size()];
        java.util.Arrays.fill(bytes, 1);
        return new SplitProblem(curves, bytes, slots, least);
    }

    /**
     * What every layer gets at least, as far as slots go: the experts one token needs there. With
     * fewer, a layer's own visit pushes out what the layer holds, which no curve knows of.
     */
    public static int leastFor(List<MissCurve> curves, int expertsPerToken, int slots) {
        long layers = curves.stream().filter(curve -> curve.visited() > 0).count();
        return (int) Math.min(expertsPerToken, slots / Math.max(1, layers));
    }

    public int layers() {
        return curves.size();
    }

    /** Fewest slots of a layer; 0 if it is never visited. */
    public int least(int layer) {
        return leastOf(curves.get(layer), least);
    }

    /** Most slots a layer can use; 0 if it is never visited. */
    public int most(int layer) {
        MissCurve curve = curves.get(layer);
        return curve.visited() == 0 ? 0 : curve.experts();
    }

    /** Slots that can be used at all: no more than given, no more than experts visited. */
    public int usable() {
        long most = 0;
        for (int layer = 0; layer < layers(); layer++) {
            most += most(layer);
        }
        return (int) Math.min(slots, most);
    }

    /** Bytes read per token with a split. */
    public double bytesPerToken(int[] split) {
        double bytes = 0;
        for (int layer = 0; layer < layers(); layer++) {
            bytes += curves.get(layer).misses(split[layer]) * missBytes[layer];
        }
        return bytes;
    }

    /** Share of the experts visited that a split holds, from 0 to 1; 1 if nothing is visited. */
    public double hitRate(int[] split) {
        double visited = 0;
        double missed = 0;
        for (int layer = 0; layer < layers(); layer++) {
            visited += curves.get(layer).visited();
            missed += curves.get(layer).misses(split[layer]);
        }
        return visited == 0 ? 1 : 1 - missed / visited;
    }

    @Override
    public long[] missBytes() {
        return missBytes.clone();
    }

    private static int leastOf(MissCurve curve, int least) {
        return curve.visited() == 0 ? 0 : Math.min(least, curve.experts());
    }
}
