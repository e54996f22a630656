package io.greenroom.cache.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The 16-bit numbers keep what they promise, for each of their values. */
class TraceNumbersTest {

    @Test
    void encodingWhatWasDecodedChangesNothing() {
        for (int code = 0; code <= 0xffff; code++) {
            assertThat(TraceNumbers.probability(TraceNumbers.probability(code))).isEqualTo(code);
            float cosine = TraceNumbers.cosine(code);
            assertThat(TraceNumbers.cosine(TraceNumbers.cosine(cosine)))
                    .isEqualTo(Float.valueOf(cosine));
            int norm = TraceNumbers.norm(TraceNumbers.norm(code));
            assertThat(TraceNumbers.norm(TraceNumbers.norm(norm))).isEqualTo(norm);
        }
    }

    @Test
    void resolutionsAreAsStated() {
        for (int i = 0; i <= 1_000_000; i++) {
            float p = i / 1e6f;
            assertThat(TraceNumbers.probability(TraceNumbers.probability(p)))
                    .isEqualTo(p, within(0.0000077f));
            float c = 2 * p - 1;
            assertThat(TraceNumbers.cosine(TraceNumbers.cosine(c))).isEqualTo(c, within(0.000016f));
            float x = (float) Math.pow(2, 200 * (p - 0.5));
            assertThat(TraceNumbers.norm(TraceNumbers.norm(x))).isEqualTo(x, within(0.0014f * x));
        }
    }

    @Test
    void valuesBeyondTheRangeBecomeItsEnds() {
        assertThat(TraceNumbers.probability(1.5f)).isEqualTo(0xffff);
        assertThat(TraceNumbers.probability(-1f)).isZero();
        assertThat(TraceNumbers.cosine(TraceNumbers.cosine(1.0001f))).isEqualTo(1);
        assertThat(TraceNumbers.cosine(TraceNumbers.cosine(-1.0001f))).isEqualTo(-1);
        assertThat(TraceNumbers.cosine(TraceNumbers.cosine(Float.NaN))).isNaN();
        assertThat(TraceNumbers.norm(0f)).isZero();
        assertThat(TraceNumbers.norm(Float.POSITIVE_INFINITY)).isEqualTo(65280);
    }
}
