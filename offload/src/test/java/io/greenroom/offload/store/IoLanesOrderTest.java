package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.LoadPriority;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/**
 * The lanes against a model of them: reads last until the test ends them, and after every operation
 * those under way are the ones that the rules name. So demand is never behind more than the guesses
 * that were under way, one in each lane that guesses may use.
 */
class IoLanesOrderTest {

    private static final int OWNERS = 4;

    /** A read that lasts as long as the test wants. */
    private static final class Read implements IoLanes.Job {

        private final int owner;
        private final CountDownLatch begun = new CountDownLatch(1);
        private final CountDownLatch mayEnd = new CountDownLatch(1);

        Read(int owner) {
            this.owner = owner;
        }

        @Override
        public long run() {
            begun.countDown();
            await(mayEnd);
            return 1;
        }

        @Override
        public Object owner() {
            return owner;
        }
    }

    /** What should happen. */
    private static final class Model {

        private final int lanes;
        private final int guessLanes;
        private final List<Read> demand = new ArrayList<>();
        private final List<Read> guesses = new ArrayList<>();
        private final List<Read> demandRunning = new ArrayList<>();
        private final List<Read> guessesRunning = new ArrayList<>();

        Model(int lanes, int guessLanes) {
            this.lanes = lanes;
            this.guessLanes = guessLanes;
        }

        void fill() {
            while (free() > 0 && !demand.isEmpty()) {
                demandRunning.add(demand.remove(0));
            }
            while (free() > 0
                    && demandRunning.isEmpty()
                    && guessesRunning.size() < guessLanes
                    && !guesses.isEmpty()) {
                guessesRunning.add(guesses.remove(0));
            }
        }

        int free() {
            return lanes - demandRunning.size() - guessesRunning.size();
        }

        List<Read> running() {
            List<Read> all = new ArrayList<>(demandRunning);
            all.addAll(guessesRunning);
            return all;
        }

        List<Read> takeGuesses(int owner) {
            List<Read> taken = guesses.stream().filter(read -> read.owner == owner).toList();
            guesses.removeAll(taken);
            return taken;
        }
    }

    @Property(tries = 150)
    void demandIsBehindNothingButTheGuessesUnderWay(
            @ForAll @IntRange(min = 1, max = 4) int lanes,
            @ForAll @IntRange(min = 1, max = 2) int guessLanes,
            @ForAll long seed) {
        Random random = new Random(seed);
        Model model = new Model(lanes, Math.min(lanes, guessLanes));
        List<Read> all = new ArrayList<>();
        IoLanes tested = new IoLanes("test", lanes, Math.min(lanes, guessLanes));
        try {
            for (int step = 0; step < 40; step++) {
                int owner = random.nextInt(OWNERS);
                switch (random.nextInt(6)) {
                    case 0 -> submit(tested, model, all, owner, LoadPriority.DEMAND, random);
                    case 1 -> submit(tested, model, all, owner, LoadPriority.PREFETCH, random);
                    case 2 -> {
                        model.demand.addAll(model.takeGuesses(owner));
                        tested.promote(owner);
                    }
                    case 3 -> {
                        List<Read> taken = model.takeGuesses(owner);
                        assertThat(tested.withdraw(owner)).isEqualTo(taken.size());
                        all.removeAll(taken);
                        assertThat(taken).allMatch(read -> read.begun.getCount() == 1);
                    }
                    default -> endOne(model, random);
                }
                model.fill();
                // Everything that should have begun begins; nothing else has.
                List<Read> running = model.running();
                running.forEach(read -> await(read.begun));
                for (Read read : all) {
                    boolean expected = running.contains(read) || read.mayEnd.getCount() == 0;
                    assertThat(read.begun.getCount() == 0).isEqualTo(expected);
                }
            }
        } finally {
            all.forEach(read -> read.mayEnd.countDown());
            tested.close();
        }
        assertThat(all).as("withdrawn ones left out").allMatch(read -> read.begun.getCount() == 0);
        assertThat(tested.use().demandBytes() + tested.use().guessBytes()).isEqualTo(all.size());
    }

    private static void submit(
            IoLanes tested,
            Model model,
            List<Read> all,
            int owner,
            LoadPriority priority,
            Random random) {
        List<Read> reads = new ArrayList<>();
        for (int i = 0; i <= random.nextInt(3); i++) {
            reads.add(new Read(owner));
        }
        all.addAll(reads);
        (priority == LoadPriority.DEMAND ? model.demand : model.guesses).addAll(reads);
        tested.submit(reads, priority);
    }

    private static void endOne(Model model, Random random) {
        List<Read> running = model.running();
        if (!running.isEmpty()) {
            Read ended = running.get(random.nextInt(running.size()));
            model.demandRunning.remove(ended);
            model.guessesRunning.remove(ended);
            ended.mayEnd.countDown();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
