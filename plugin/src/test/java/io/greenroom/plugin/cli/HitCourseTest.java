package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheStats;
import org.junit.jupiter.api.Test;

class HitCourseTest {

    private static CacheStats stats(long hits, long misses) {
        return new CacheStats(hits, misses, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    @Test
    void theFirstWindowThatHasTheRateCounts() {
        HitCourse course =
                new HitCourse(
                        new long[] {0, 1, 2, 4, 4, 4, 3, 4}, new long[] {4, 4, 4, 4, 4, 4, 4, 4});
        assertThat(course.steady()).isEqualTo(15 / 16.0);
        assertThat(course.rate(0, 2)).isEqualTo(1 / 8.0);
        assertThat(course.tokensUntil(0.75, 2)).isEqualTo(2);
        assertThat(course.tokensUntil(0.1, 2)).isZero();
        assertThat(course.tokensUntil(1.1, 2)).as("never").isEqualTo(8);
        assertThat(HitCourse.of(3).steady()).isZero();
    }

    @Test
    void countersBeforeAndAfterMakeAToken() {
        HitCourse course = HitCourse.of(2);
        course.note(1, stats(5, 6), stats(8, 7));
        assertThat(course.hits()).containsExactly(0, 3);
        assertThat(course.visited()).containsExactly(0, 4);
    }
}
