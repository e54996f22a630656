package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.BudgetShares.Claim;
import io.greenroom.cache.SharedBudget.Share;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Models that come, go and change their minds under one total. Slots are of one byte. */
@Timeout(60)
class SharedBudgetTest {

    private static final Duration AT_ONCE = Duration.ZERO;

    /** A cache that shrinks when told so, or at once, and notes what it may use meanwhile. */
    private static final class FakeHolder implements SharedBudget.Holder {

        private final boolean immediate;
        private final CountDownLatch asked = new CountDownLatch(1);
        private int memory;
        private int target;
        private CompletableFuture<Integer> pending = new CompletableFuture<>();

        FakeHolder(int slots, boolean immediate) {
            memory = slots;
            target = slots;
            this.immediate = immediate;
        }

        @Override
        public CompletableFuture<Integer> resize(int slots) {
            pending.completeExceptionally(new CancellationException("superseded"));
            pending = new CompletableFuture<>();
            target = slots;
            asked.countDown();
            if (slots >= memory || immediate) {
                shrink();
            }
            return pending;
        }

        void shrink() {
            memory = target;
            pending.complete(target);
        }
    }

    private final List<FakeHolder> holders = new ArrayList<>();

    @Test
    void theFirstModelTakesWhatItCanUse() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        Share alone = budget.join(claim("a", 5, 80), AT_ONCE);
        assertThat(alone.slots()).isEqualTo(80);
        assertThat(budget.used()).isEqualTo(new ByteSize(80));
        alone.close();
        alone.close();
        assertThat(budget.used()).isEqualTo(new ByteSize(0));
    }

    @Test
    void aModelThatComesTakesItsShareAndGivesItBackWhenItGoes() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        Share first = budget.join(claim("a", 5, 100), AT_ONCE);
        FakeHolder one = hold(first, true);
        Share second = budget.join(claim("b", 5, 100), AT_ONCE);
        FakeHolder two = hold(second, true);
        assertThat(one.memory).isEqualTo(50);
        assertThat(two.memory).isEqualTo(50);
        second.close();
        assertThat(one.memory).isEqualTo(100);
        assertThat(first.slots()).isEqualTo(100);
    }

    @Test
    void aModelThatComesWaitsUntilTheOthersHaveShrunk() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        FakeHolder one = hold(budget.join(claim("a", 5, 100), AT_ONCE), false);
        FutureTask<Share> joining =
                new FutureTask<>(() -> budget.join(claim("b", 5, 100), Duration.ofHours(1)));
        Thread loading = new Thread(joining);
        loading.start();
        one.asked.await();
        assertThat(joining).isNotDone();
        assertThat(budget.used()).isEqualTo(new ByteSize(100));
        one.shrink();
        assertThat(joining.get().slots()).isEqualTo(50);
        loading.join();
        assertThat(budget.used()).isEqualTo(new ByteSize(100));
    }

    @Test
    void ifTheOthersDoNotShrinkInTimeNothingHasJoined() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        Share first = budget.join(claim("a", 5, 100), AT_ONCE);
        FakeHolder one = hold(first, false);
        assertThatThrownBy(() -> budget.join(claim("b", 5, 100), AT_ONCE))
                .isInstanceOf(BudgetExceededException.class)
                .hasMessage(
                        "The other models did not give up memory for b within 0 s: it was to have"
                                + " 50 B, they hold 100 B of 100 B");
        assertThat(first.slots()).isEqualTo(100);
        assertThat(one.target).isEqualTo(100);
    }

    @Test
    void floorsAreKept() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        FakeHolder one = hold(budget.join(claim("a", 60, 100), AT_ONCE), true);
        Share second = budget.join(claim("b", 5, 100), AT_ONCE);
        assertThat(one.memory).isEqualTo(60);
        assertThat(second.slots()).isEqualTo(40);
        assertThatThrownBy(() -> budget.join(claim("c", 36, 100), AT_ONCE))
                .isInstanceOf(BudgetExceededException.class)
                .hasMessageStartingWith(
                        "The total expert budget is 100 B, but the models cannot do with less than"
                                + " these: a 60 B, b 5 B, c 36 B");
        assertThat(one.memory).isEqualTo(60);
        assertThat(second.slots()).isEqualTo(40);
    }

    @Test
    void aClaimMayChange() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        Share first = budget.join(claim("a", 5, 100), AT_ONCE);
        Share second = budget.join(claim("b", 5, 20), AT_ONCE);
        FakeHolder one = hold(first, false);
        FakeHolder two = hold(second, true);
        assertThat(one.memory).isEqualTo(80);
        CompletableFuture<Integer> less = first.change(30, true);
        assertThat(less).isNotDone();
        CompletableFuture<Integer> more = second.change(60, true);
        assertThat(more).as("the first one's memory is not free yet").isNotDone();
        assertThat(two.memory).isEqualTo(20);
        one.shrink();
        assertThat(less).isCompletedWithValue(30);
        assertThat(more).isCompletedWithValue(60);
        assertThat(budget.used()).isEqualTo(new ByteSize(90));
    }

    @Test
    void aClaimBeyondTheShareIsRefusedWithTheNumbersOrCut() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        Share first = budget.join(new Claim("a", 1, 0, 5, 40, 1), AT_ONCE);
        FakeHolder one = hold(first, true);
        hold(budget.join(new Claim("b", 1, 0, 5, 100, 3), AT_ONCE), true);
        assertThat(one.memory).isEqualTo(25);
        assertThatThrownBy(() -> first.change(60, true))
                .isInstanceOf(BudgetExceededException.class)
                .hasMessage(
                        "The total expert budget of 100 B leaves 25 B (25 experts) for a, whose"
                                + " weight is 1 of 4; 60 B (60 experts) were asked for. Lower the"
                                + " budget of another model first, or raise the total");
        assertThat(first.change(60, false)).isCompletedWithValue(25);
        assertThat(first.change(10, true)).isCompletedWithValue(10);
        assertThat(holders.get(1).memory).isEqualTo(90);
    }

    @Test
    void whoIsUnloadedWhileItChangesIsToldSo() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        Share share = budget.join(claim("a", 5, 100), AT_ONCE);
        hold(share, false);
        CompletableFuture<Integer> less = share.change(30, true);
        share.close();
        assertThat(less).isCompletedExceptionally();
        assertThatThrownBy(less::join)
                .isInstanceOf(CancellationException.class)
                .hasMessage("a was unloaded meanwhile");
        assertThat(budget.used()).isEqualTo(new ByteSize(0));
    }

    @Test
    void aHolderThatRefusesStopsNobodyElse() throws Exception {
        SharedBudget budget = new SharedBudget(new ByteSize(100));
        Share closing = budget.join(claim("a", 5, 60), AT_ONCE);
        SharedBudget.Holder closed =
                ignored -> {
                    throw new IllegalStateException("The expert cache is closed");
                };
        closing.hold(slots -> closed);
        Share second = budget.join(claim("b", 5, 40), AT_ONCE);
        assertThat(closing.change(50, true)).isCompletedExceptionally();
        assertThat(budget.used()).isEqualTo(new ByteSize(100));
        CompletableFuture<Integer> more = second.change(50, true);
        assertThat(more).isNotDone();
        closing.close();
        assertThat(more).isCompletedWithValue(50);
    }

    @Test
    void withoutALimitEverybodyHasWhatTheyCanUse() throws Exception {
        SharedBudget budget = SharedBudget.unlimited();
        Share first = budget.join(claim("a", 5, 1000), AT_ONCE);
        Share second = budget.join(claim("b", 5, 7000), AT_ONCE);
        assertThat(first.slots()).isEqualTo(1000);
        assertThat(second.slots()).isEqualTo(7000);
    }

    /** Random comings, goings and changes: the total holds, and everybody comes to its share. */
    @Property(tries = 500)
    void theTotalHolds(@ForAll long seed) throws Exception {
        Random random = new Random(seed);
        int total = 20 + random.nextInt(200);
        SharedBudget budget = new SharedBudget(new ByteSize(total));
        List<Share> shares = new ArrayList<>();
        List<FakeHolder> caches = new ArrayList<>();
        for (int step = 0; step < 60; step++) {
            int who = shares.isEmpty() ? -1 : random.nextInt(shares.size());
            switch (random.nextInt(4)) {
                case 0 -> {
                    int least = 1 + random.nextInt(10);
                    Claim claim =
                            new Claim(
                                    "m" + step,
                                    1,
                                    0,
                                    least,
                                    least + random.nextInt(150),
                                    1 + random.nextInt(3));
                    try {
                        Share share = budget.join(claim, AT_ONCE);
                        FakeHolder[] cache = new FakeHolder[1];
                        boolean immediate = random.nextBoolean();
                        share.hold(slots -> cache[0] = new FakeHolder(slots, immediate));
                        shares.add(share);
                        caches.add(cache[0]);
                    } catch (BudgetExceededException e) {
                        assertThat(e).hasMessageContaining("m" + step);
                    }
                }
                case 1 -> {
                    if (who >= 0) {
                        try {
                            shares.get(who).change(10 + random.nextInt(150), random.nextBoolean());
                        } catch (BudgetExceededException e) {
                            assertThat(e).hasMessageContaining("leaves");
                        }
                    }
                }
                case 2 -> {
                    if (who >= 0) {
                        caches.get(who).shrink();
                    }
                }
                default -> {
                    if (who >= 0) {
                        shares.remove(who).close();
                        caches.remove(who);
                    }
                }
            }
            int memory = caches.stream().mapToInt(cache -> cache.memory).sum();
            assertThat(memory).isLessThanOrEqualTo((int) budget.used().bytes());
            assertThat(budget.used().bytes()).isLessThanOrEqualTo(total);
        }
        // whoever is slow gets there in the end
        for (int round = 0; round < 3; round++) {
            List.copyOf(caches).forEach(FakeHolder::shrink);
        }
        for (int i = 0; i < shares.size(); i++) {
            assertThat(caches.get(i).memory).isEqualTo(shares.get(i).slots());
        }
        List.copyOf(shares).forEach(Share::close);
        assertThat(budget.used()).isEqualTo(new ByteSize(0));
    }

    private FakeHolder hold(Share share, boolean immediate) {
        share.hold(
                slots -> {
                    FakeHolder holder = new FakeHolder(slots, immediate);
                    holders.add(holder);
                    return holder;
                });
        return holders.get(holders.size() - 1);
    }

    private static Claim claim(String name, int least, int most) {
        return new Claim(name, 1, 0, least, most, 1);
    }
}
