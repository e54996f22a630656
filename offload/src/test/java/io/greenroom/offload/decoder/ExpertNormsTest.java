package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.ExpertId;
import io.greenroom.gating.residency.Importance;
import io.greenroom.offload.kernel.JavaKernels;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.store.ExpertWeights;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

class ExpertNormsTest {

    private static final int HIDDEN = 4;
    private static final int INNER = 40;

    private final Importance importance = new Importance(1, 3, 8);
    private final List<ExpertId> looked = new ArrayList<>();

    @Test
    void aNormIsThatOfTheThreeMatricesAndIsMeasuredOnce() {
        // Even matrices: any sample of rows says the same as all of them.
        ExpertWeights first = expert(1, 2, 0.5); // 160 + 640 + 40
        ExpertWeights second = expert(3, 2, 0.5); // 1440 + 640 + 40
        ExpertNorms norms = norms(first, second);
        assertThat(importance.knowsNorm(0, 0)).isFalse();
        assertThat(norms.weights(new ExpertId(0, 0), 7)).isSameAs(first);
        assertThat(norms.weights(new ExpertId(0, 1), 8)).isSameAs(second);
        assertThat(importance.knowsNorm(0, 0)).isTrue();
        assertThat(importance.knowsNorm(0, 2)).isFalse();
        double a = Math.sqrt(840);
        double b = Math.sqrt(2120);
        assertShares(a, b, (a + b) / 2);
        // Other bytes under the same name would be another checkpoint.
        first.gate().memory().buffer(0, 4).putFloat(0, 1000);
        norms.weights(new ExpertId(0, 0), 7);
        assertShares(a, b, (a + b) / 2);
        assertThat(looked)
                .containsExactly(new ExpertId(0, 0), new ExpertId(0, 1), new ExpertId(0, 0));
    }

    @Test
    void fewRowsAreAllMeasured() {
        ExpertWeights uneven =
                new ExpertWeights(
                        matrix(3, HIDDEN, i -> i),
                        matrix(3, HIDDEN, i -> 0),
                        matrix(HIDDEN, 3, i -> -i));
        ExpertNorms norms = norms(uneven, uneven);
        norms.weights(new ExpertId(0, 0), 0);
        norms.weights(new ExpertId(0, 1), 0);
        // 0 + 1 + 4 + ... + 121 = 506, twice; all experts alike.
        assertShares(1, 1, 1);
        importance.norm(0, 2, (float) Math.sqrt(2 * 506));
        assertShares(1, 1, 1);
    }

    private ExpertNorms norms(ExpertWeights first, ExpertWeights second) {
        return new ExpertNorms(
                (id, slot) -> {
                    looked.add(id);
                    return id.expert() == 0 ? first : second;
                },
                importance,
                new JavaKernels(),
                new DirectMemory(MemoryTag.ACTIVATIONS, ExpertNorms.bytes(INNER)),
                INNER);
    }

    private void assertShares(double... weights) {
        importance.observe(0, new float[3], 0, 1);
        double[] shares = new double[3];
        importance.shares(0, shares);
        double sum = weights[0] + weights[1] + weights[2];
        assertThat(shares)
                .containsExactly(
                        new double[] {weights[0] / sum, weights[1] / sum, weights[2] / sum},
                        within(1e-6));
    }

    private static ExpertWeights expert(double gate, double up, double down) {
        return new ExpertWeights(
                matrix(INNER, HIDDEN, i -> gate),
                matrix(INNER, HIDDEN, i -> up),
                matrix(HIDDEN, INNER, i -> down));
    }

    private static WeightMatrix matrix(int rows, int cols, IntToDoubleFunction values) {
        int bytes = rows * cols * Float.BYTES;
        DirectMemory memory = new DirectMemory(MemoryTag.EXPERT_ARENA, bytes);
        ByteBuffer buffer = memory.buffer(0, bytes);
        for (int i = 0; i < rows * cols; i++) {
            buffer.putFloat(i * Float.BYTES, (float) values.applyAsDouble(i));
        }
        return new WeightMatrix(memory, 0, TensorType.F32, rows, cols);
    }
}
