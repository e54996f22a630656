package io.greenroom.offload.synthetic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.HalfFloat;
import io.greenroom.offload.synthetic.RandomRows.First;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RandomRowsTest {

    private static final int COLS = 256;
    private static final int ROWS = 400;

    static Stream<TensorType> types() {
        return Geometry.TYPES.stream().sorted();
    }

    @ParameterizedTest
    @MethodSource("types")
    void rowsHaveTheDeviationAskedForAndNoMean(TensorType type) {
        double deviation = 0.02;
        double sum = 0;
        double squares = 0;
        for (int row = 0; row < ROWS; row++) {
            for (float value : draw(RandomRows.of(type, COLS, deviation), row)) {
                sum += value;
                squares += (double) value * value;
            }
        }
        int n = ROWS * COLS;
        // Codes of a block share a sign, so the mean strays a little further than 1 / sqrt(n).
        assertThat(sum / n).isCloseTo(0, within(4 * deviation / Math.sqrt(n)));
        assertThat(Math.sqrt(squares / n)).isCloseTo(deviation, within(0.01 * deviation));
    }

    @ParameterizedTest
    @MethodSource("types")
    void theFirstElementIsTheConstant(TensorType type) {
        RandomRows rows = RandomRows.of(type, COLS, 1).withConstantFirst();
        assertThat(rows.constant()).isBetween(1.4f, 1.8f);
        for (int row = 0; row < 20; row++) {
            float[] values = draw(rows, row);
            assertThat(values[0]).isEqualTo(rows.constant());
            assertThat(values[1]).isNotEqualTo(rows.constant());
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void silentRowsAreZero(TensorType type) {
        RandomRows rows = new RandomRows(type, COLS, 1, 3, First.RANDOM);
        for (int row = 0; row < 7; row++) {
            float[] values = draw(rows, row);
            assertThat(allZero(values)).as("row %d", row).isEqualTo(row % 3 == 0);
        }
    }

    @Test
    void rowsDiffer() {
        RandomRows rows = RandomRows.of(TensorType.F32, COLS, 1);
        assertThat(draw(rows, 1)).isNotEqualTo(draw(rows, 2)).isEqualTo(draw(rows, 1));
    }

    private static boolean allZero(float[] values) {
        for (float value : values) {
            if (value != 0) {
                return false;
            }
        }
        return true;
    }

    private static float[] draw(RandomRows rows, long row) {
        int bytes = (int) rows.type().bytesFor(COLS);
        ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        rows.fill(row, new SplitMix(0).reseed(99, row), out);
        assertThat(out.remaining()).as("bytes left").isZero();
        return decode(rows.type(), out.flip());
    }

    /** As ggml defines the types. */
    private static float[] decode(TensorType type, ByteBuffer in) {
        float[] values = new float[COLS];
        for (int i = 0; i < COLS; i++) {
            int block = i / type.blockElements() * type.blockBytes();
            int within = i % type.blockElements();
            values[i] =
                    switch (type) {
                        case F16 -> HalfFloat.fromF16(in.getShort(2 * i));
                        case BF16 -> HalfFloat.fromBf16(in.getShort(2 * i));
                        case Q8_0 ->
                                HalfFloat.fromF16(in.getShort(block)) * in.get(block + 2 + within);
                        case Q4_0 -> {
                            int both = in.get(block + 2 + within % 16) & 0xFF;
                            int code = within < 16 ? both & 15 : both >> 4;
                            yield HalfFloat.fromF16(in.getShort(block)) * (code - 8);
                        }
                        default -> in.getFloat(4 * i);
                    };
        }
        return values;
    }
}
