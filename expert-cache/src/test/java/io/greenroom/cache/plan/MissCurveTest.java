package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class MissCurveTest {

    @Test
    void moreSlotsThanExpertsBringNothing() {
        MissCurve curve = MissCurve.of(4, 2, 1);
        assertThat(curve.experts()).isEqualTo(2);
        assertThat(curve.visited()).isEqualTo(4);
        assertThat(curve.misses(2)).isEqualTo(1);
        assertThat(curve.misses(99)).isEqualTo(1);
    }

    @Test
    void neverRises() {
        assertThat(MissCurve.of(4, 2, 3, 1, 2).values()).containsExactly(4, 2, 2, 1, 1);
    }

    @Test
    void isStraightBetweenKnownSizes() {
        MissCurve curve = MissCurve.through(new int[] {0, 2, 6}, new double[] {8, 4, 0});
        assertThat(curve.values()).containsExactly(8, 6, 4, 3, 2, 1, 0);
    }

    @Test
    void convexHullCutsTheCornersOff() {
        // a cliff at 3 slots: one or two bring nothing
        assertThat(MissCurve.of(6, 6, 6, 0, 0).convex().values()).containsExactly(6, 4, 2, 0, 0);
    }

    @Test
    void isScaled() {
        assertThat(MissCurve.of(4, 1).times(0.5).values()).containsExactly(2, 0.5);
    }

    @Property
    void convexHullIsConvexBelowTheCurveAndMeetsItsEnds(
            @ForAll @Size(min = 2, max = 40) List<@DoubleRange(min = 0, max = 8) Double> values) {
        MissCurve curve = MissCurve.of(values.stream().mapToDouble(Double::doubleValue).toArray());
        double[] hull = curve.convex().values();
        for (int i = 0; i < hull.length; i++) {
            assertThat(hull[i]).isLessThanOrEqualTo(curve.misses(i) + 1e-9);
            if (i >= 2) {
                double fallBefore = hull[i - 2] - hull[i - 1];
                assertThat(hull[i - 1] - hull[i]).isLessThanOrEqualTo(fallBefore + 1e-9);
            }
        }
        int last = hull.length - 1;
        assertThat(hull[0]).isEqualTo(curve.misses(0));
        assertThat(hull[last]).isCloseTo(curve.misses(last), within(1e-12));
    }

    @Test
    void refusesWhatIsNoCurve() {
        assertThatThrownBy(() -> MissCurve.of(1))
                .hasMessage("A miss curve needs values for 0 slots and for at least 1, got 1");
        assertThatThrownBy(() -> MissCurve.of(1, Double.NaN))
                .hasMessage("Misses are finite and at least 0, got NaN for 1 slots");
        assertThatThrownBy(() -> MissCurve.through(new int[] {0, 2, 2}, new double[] {3, 2, 1}))
                .hasMessage("Sizes must rise, got [0, 2, 2]");
        assertThatThrownBy(() -> MissCurve.through(new int[] {1, 2}, new double[] {3, 2}))
                .hasMessageContaining("the first at 0 slots; got sizes [1, 2] and 2 values");
    }
}
