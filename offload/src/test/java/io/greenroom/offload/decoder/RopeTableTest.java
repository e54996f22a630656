package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.offload.store.ModelSpec;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RopeTableTest {

    @Test
    void holdsCosinesThenSinesOfEachPosition() {
        ModelSpec spec = Specs.tiny();
        int dim = spec.headDim();
        float[] table = RopeTable.compute(spec, 0, 128);
        assertThat(table).hasSize(128 * dim);
        for (int position = 0; position < 128; position++) {
            for (int i = 0; i < dim / 2; i++) {
                double angle = position / Math.pow(spec.ropeTheta(), 2.0 * i / dim);
                // The angle is rounded to a float before the cosine is taken.
                float tolerance = Math.ulp((float) angle) + 1e-6f;
                assertThat(table[position * dim + i])
                        .isEqualTo((float) Math.cos(angle), within(tolerance));
                assertThat(table[position * dim + dim / 2 + i])
                        .isEqualTo((float) Math.sin(angle), within(tolerance));
            }
        }
    }

    @Test
    void isTheSameInPieces() {
        ModelSpec spec = Specs.tiny();
        float[] whole = RopeTable.compute(spec, 0, 4002);
        float[] piece = RopeTable.compute(spec, 2048, 1024);
        int from = 2048 * spec.headDim();
        assertThat(piece).containsExactly(Arrays.copyOfRange(whole, from, from + piece.length));
    }

    /** Numbers of torch 2.11: {@code torch.cos(torch.tensor(4001.) * inv_freq)} and sine. */
    @Test
    void roundsAnglesAsTheReferenceDoes() {
        ModelSpec spec = Specs.tiny();
        float[] table = RopeTable.compute(spec, 0, 4002);
        int row = 4001 * spec.headDim();
        float[] torch = TORCH_ROW_4001;
        for (int i = 0; i < torch.length; i++) {
            assertThat(table[row + i]).isEqualTo(torch[i], within(1e-7f));
        }
    }

    private static final float[] TORCH_ROW_4001 = {
        0.180756584f,
        -0.437716365f,
        -0.674354494f,
        -0.652886212f,
        -0.983527839f,
        -0.899113119f,
        0.738407791f,
        -0.757456005f
    };
}
