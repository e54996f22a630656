package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import org.junit.jupiter.api.Test;

class HalfFloatTest {

    @Test
    void everyHalfComesBack() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            short half = (short) bits;
            float wide = HalfFloat.fromF16(half);
            float again = HalfFloat.fromF16(HalfFloat.toF16(wide));
            float brain = HalfFloat.fromBf16(half);
            float brainAgain = HalfFloat.fromBf16(HalfFloat.toBf16(brain));
            if (!same(wide, again) || !same(brain, brainAgain)) {
                fail("%04x: %s became %s, %s became %s", bits, wide, again, brain, brainAgain);
            }
        }
    }

    /** Between two neighbours lies their middle, which goes to the even one. */
    @Test
    void roundsToTheNearestTiesToEven() {
        for (int bits = 0; bits < 0x7C00; bits++) {
            float low = HalfFloat.fromF16((short) bits);
            // Beyond the largest half, infinity stands for 65536.
            float high = bits == 0x7BFF ? 65536 : HalfFloat.fromF16((short) (bits + 1));
            float middle = (low + high) / 2; // exact: one more bit than a half has
            int even = bits + (bits & 1);
            if (HalfFloat.toF16(middle) != (short) even
                    || HalfFloat.toF16(Math.nextDown(middle)) != (short) bits
                    || HalfFloat.toF16(Math.nextUp(middle)) != (short) (bits + 1)
                    || HalfFloat.toF16(-middle) != (short) (even | 0x8000)) {
                fail("About the middle %s of %04x and the next", middle, bits);
            }
        }
        assertThat(HalfFloat.toF16(1e9f)).isEqualTo((short) 0x7C00);
        assertThat(HalfFloat.toF16(Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xFC00);
    }

    @Property
    void brainFloatsAreTheNearest(@ForAll @FloatRange(min = -3e38f, max = 3e38f) float value) {
        float narrowed = HalfFloat.fromBf16(HalfFloat.toBf16(value));
        // 8 bits of precision: at most half a unit in the last place away.
        assertThat(Math.abs(narrowed - (double) value))
                .isLessThanOrEqualTo(Math.ulp(value) * (double) (1 << 15));
    }

    private static boolean same(float a, float b) {
        return Float.isNaN(a) ? Float.isNaN(b) : Float.floatToIntBits(a) == Float.floatToIntBits(b);
    }
}
