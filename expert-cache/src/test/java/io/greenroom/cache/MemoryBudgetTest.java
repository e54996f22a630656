package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class MemoryBudgetTest {

    @Test
    void reservationsGiveThemselvesBackOnce() {
        MemoryBudget budget = new MemoryBudget("budget", new ByteSize(100));
        Reservation first = budget.reserve("a", new ByteSize(60));
        try (Reservation second = budget.reserve("b", new ByteSize(40))) {
            assertThat(budget.used()).isEqualTo(new ByteSize(100));
            assertThat(second.size()).isEqualTo(new ByteSize(40));
        }
        assertThat(budget.used()).isEqualTo(new ByteSize(60));
        first.close();
        first.close();
        assertThat(first).hasToString("60 B for a (given back)");
        assertThat(budget.used()).isEqualTo(new ByteSize(0));
        assertThat(budget.limit()).isEqualTo(new ByteSize(100));
        try (Reservation whole = budget.reserve("c", new ByteSize(100))) {
            assertThat(whole).hasToString("100 B for c");
        }
    }

    @Test
    void aRefusalSaysWhatWasWantedUsedAndAllowed() {
        MemoryBudget budget = new MemoryBudget("total expert budget", new ByteSize(4L << 30));
        try (Reservation used = budget.reserve("qwen", new ByteSize(2L << 30))) {
            assertThatThrownBy(() -> budget.reserve("olmoe", ByteSize.parse("3.4GiB")))
                    .isInstanceOf(BudgetExceededException.class)
                    .hasMessage(
                            "Cannot reserve 3.4 GiB for olmoe: the total expert budget is 4.0 GiB,"
                                    + " 2.0 GiB of it used, 2.0 GiB free; ask for less, free some,"
                                    + " or raise the limit");
            assertThat(budget.used()).isEqualTo(used.size());
        }
    }

    @Test
    void hugeRequestsDoNotOverflow() {
        MemoryBudget budget = new MemoryBudget("budget", new ByteSize(Long.MAX_VALUE));
        try (Reservation most = budget.reserve("a", new ByteSize(Long.MAX_VALUE - 1))) {
            assertThatThrownBy(() -> budget.reserve("b", new ByteSize(Long.MAX_VALUE)))
                    .isInstanceOf(BudgetExceededException.class);
            assertThat(budget.used()).isEqualTo(most.size());
        }
    }

    @Test
    @Timeout(60)
    void neverExceedsItsLimitAndAllMemoryComesHome() throws Exception {
        MemoryBudget budget = new MemoryBudget("budget", new ByteSize(1000));
        // Bytes of reservations known to be open: never more than the budget says are used.
        AtomicLong open = new AtomicLong();
        AtomicLong refused = new AtomicLong();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<?>> results = new ArrayList<>();
        for (int thread = 0; thread < 4; thread++) {
            Random random = new Random(thread);
            results.add(threads.submit(() -> reserveAtRandom(budget, open, refused, random)));
        }
        for (Future<?> result : results) {
            result.get();
        }
        threads.shutdown();
        assertThat(budget.used()).isEqualTo(new ByteSize(0));
        assertThat(refused).hasPositiveValue();
    }

    private static void reserveAtRandom(
            MemoryBudget budget, AtomicLong open, AtomicLong refused, Random random) {
        List<Reservation> mine = new ArrayList<>();
        for (int round = 0; round < 20_000; round++) {
            if (!mine.isEmpty() && random.nextBoolean()) {
                Reservation reservation = mine.remove(random.nextInt(mine.size()));
                open.addAndGet(-reservation.size().bytes());
                reservation.close();
            } else {
                try {
                    Reservation reservation =
                            budget.reserve("thread", new ByteSize(random.nextInt(400)));
                    mine.add(reservation);
                    assertThat(open.addAndGet(reservation.size().bytes()))
                            .isLessThanOrEqualTo(1000);
                } catch (BudgetExceededException e) {
                    refused.incrementAndGet();
                }
            }
        }
        mine.forEach(
                reservation -> {
                    open.addAndGet(-reservation.size().bytes());
                    reservation.close();
                });
    }
}
