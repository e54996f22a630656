package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The budget changes at random while requests run: tokens stay those of a fixed budget, no request
 * fails, and the native bytes of experts are within what is in force whenever a read begins.
 *
 * <p>A few hundred changes in the normal suite. For as long as one likes, per policy:
 *
 * <pre>mvn -pl offload -am test -Dtest=BudgetStressTest -Dgreenroom.stress=5m \\
 *     -Dsurefire.failIfNoSpecifiedTests=false</pre>
 */
class BudgetStressTest {

    private static final int CHANGES = 120;
    private static final int PROMPTS = 6;
    private static final int TOKENS = 12;
    private static final int EXPERTS = 36;
    private static final long SEED = 20261123;

    @TempDir private Path folder;

    private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
    private final AtomicLong bound = new AtomicLong(Long.MAX_VALUE);
    private final AtomicInteger reads = new AtomicInteger();
    private final Semaphore moved = new Semaphore(0); // one for each read, 8 for each answer

    @ParameterizedTest
    @EnumSource(
            value = PolicyName.class,
            names = {"TINYLFU", "LRU", "REUSE"})
    void nobodyNoticesThatTheBudgetChanges(PolicyName policy) throws Exception {
        TinyModel tiny = new TinyModel(Family.QWEN2_MOE, 3, 64, 32, 12, 48, TensorType.F16, 5);
        Checkpoint checkpoint = Checkpoints.open(tiny.gguf().write(folder.resolve("tiny.gguf")));
        ModelOptions options =
                ModelHarness.builder("100%")
                        .prefetch(ModelOptions.Prefetch.ON)
                        .cachePolicy(policy)
                        .build();
        try (ModelHarness harness = new ModelHarness()) {
            try (ServingModel model = harness.load(checkpoint, options)) {
                List<List<Integer>> expected = new ArrayList<>();
                for (int prompt = 0; prompt < PROMPTS; prompt++) {
                    RecordingListener alone = generate(model, prompt);
                    assertThat(alone.await().reason()).isEqualTo(FinishReason.LENGTH);
                    expected.add(alone.tokens());
                }
                bound.set(EXPERTS * model.status().slotBytes());
                harness.whenRead(() -> check(harness));
                AtomicInteger answered = new AtomicInteger();
                List<Thread> clients = new ArrayList<>();
                Stop stop = new Stop();
                for (int client = 0; client < 3; client++) {
                    Random random = new Random(SEED + client);
                    Thread thread = new Thread(() -> ask(model, expected, random, stop, answered));
                    thread.start();
                    clients.add(thread);
                }
                int changes = changeBudgets(model);
                stop.now = true;
                for (Thread client : clients) {
                    client.join();
                }
                assertThat(complaints).isEmpty();
                CacheStats stats = model.status().cache();
                assertThat(stats.background().resizes()).isPositive();
                assertThat(stats.background().slotsRetired()).isPositive();
                System.out.printf(
                        "%s: %d budget changes under %d requests, %d reads, %d slots retired%n",
                        policy,
                        changes,
                        answered.get(),
                        reads.get(),
                        stats.background().slotsRetired());
            }
        }
    }

    private static final class Stop {
        private volatile boolean now;
    }

    private int changeBudgets(ServingModel model) throws Exception {
        Random random = new Random(SEED);
        long slot = model.status().slotBytes();
        long deadline = System.nanoTime() + duration().toNanos();
        int changes = 0;
        while (changes < CHANGES || System.nanoTime() < deadline) {
            moved.acquire(5 + random.nextInt(20)); // the requests get on, too
            int slots = 2 + random.nextInt(random.nextInt(3) == 0 ? 4 : EXPERTS - 1);
            long bytes = slots * slot;
            bound.accumulateAndGet(bytes, Math::max);
            BudgetChange change =
                    model.setBudget(
                            new ExpertBudget.Fixed(new ByteSize(bytes + random.nextInt(9))));
            if (random.nextInt(4) > 0) {
                assertThat(change.reached().get(60, TimeUnit.SECONDS)).isEqualTo(slots);
                bound.set(bytes);
            } // else the next change comes on top of this one
            changes++;
        }
        return changes;
    }

    private void ask(
            ServingModel model,
            List<List<Integer>> expected,
            Random random,
            Stop stop,
            AtomicInteger answered) {
        while (!stop.now && complaints.isEmpty()) {
            int prompt = random.nextInt(PROMPTS);
            try {
                RecordingListener request = generate(model, prompt);
                RecordingListener.End end = request.await();
                if (end.failure() != null || !request.tokens().equals(expected.get(prompt))) {
                    complaints.add("prompt " + prompt + ": " + end + ", " + request.tokens());
                }
                answered.incrementAndGet();
                moved.release(8);
            } catch (Exception | AssertionError e) {
                complaints.add("prompt " + prompt + ": " + e);
            }
        }
    }

    private void check(ModelHarness harness) {
        reads.incrementAndGet();
        moved.release();
        long allowed = bound.get();
        long bytes = harness.expertBytes();
        if (bytes > Math.max(allowed, bound.get())) {
            complaints.add(bytes + " bytes of experts, " + allowed + " are allowed");
        }
    }

    /** "90s" or "5m"; nothing unless asked for. */
    private static Duration duration() {
        String text = System.getProperty("greenroom.stress", "0s");
        return Duration.parse("PT" + text.toUpperCase(java.util.Locale.ROOT));
    }

    private static RecordingListener generate(ServingModel model, int prompt) {
        return ModelHarness.generate(
                model, ModelHarness.prompt(prompt, 4 + 7 * prompt, 48), TOKENS);
    }
}
