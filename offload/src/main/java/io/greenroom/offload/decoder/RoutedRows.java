package io.greenroom.offload.decoder;

import io.greenroom.gating.ExpertGroups;
import java.util.stream.IntStream;

/**
 * What a routed layer needs outside native memory while it runs: {@code R} rows of a batch. Layers
 * run one after another and share it, or a deep model with large chunks would hold the same arrays
 * once per layer.
 *
 * @param all 0, 1, 2, ... for every row a batch may have, {@code [R]}
 * @param logits of the router, {@code [R, experts]}
 * @param groups the rows by expert
 * @param in rows of one expert, {@code [R]}
 * @param out where its results go, {@code [R]}
 */
record RoutedRows(int[] all, float[] logits, ExpertGroups groups, int[] in, int[] out) {

    static RoutedRows of(int rows, int experts) {
        return new RoutedRows(
                IntStream.range(0, rows).toArray(),
                new float[Math.multiplyExact(rows, experts)],
                new ExpertGroups(experts),
                new int[rows],
                new int[rows]);
    }
}
