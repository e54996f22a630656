package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class LinkLimitTest {

    private final AtomicLong now = new AtomicLong(77);

    /** One byte in ten nanoseconds; a sleep may end early. */
    private final LinkLimit link =
            new LinkLimit(100_000_000, now::get, nanos -> now.addAndGet(Math.max(1, nanos / 2)));

    @Test
    void readsSideBySideEndAsIfTheyHadFollowedEachOther() {
        long first = link.book(100);
        long second = link.book(50);
        link.await(first);
        assertThat(now.get()).isEqualTo(77 + 1000);
        link.await(second);
        assertThat(now.get()).isEqualTo(77 + 1500);
    }

    @Test
    void anIdleLinkSavesNothingUp() {
        link.await(link.book(1));
        now.set(1_000_000);
        link.await(link.book(10));
        assertThat(now.get()).isEqualTo(1_000_100);
    }

    @Test
    void aReadThatTookLongerIsNotHeldUp() {
        long end = link.book(10);
        now.addAndGet(5000);
        link.await(end);
        assertThat(now.get()).isEqualTo(77 + 5000);
    }

    @Test
    void nothingPerSecondIsRefused() {
        assertThatThrownBy(() -> new LinkLimit(0, now::get, nanos -> {}))
                .hasMessage("A link carries at least 1 byte per second, got 0");
    }
}
