package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheListener;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.LeakCheck;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.ModelSpec.Family;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Cache, reader and arena together, under threads that visit and prefetch at random: at every event
 * the native bytes of experts are within the budget and no slot has two experts, and every lease
 * has its own expert's bytes, as read through the page cache or around it.
 */
@Timeout(120)
class ExpertPagingTest {

    private static final TinyModel MODEL =
            new TinyModel(Family.OLMOE, 3, 64, 32, 12, 16, TensorType.Q8_0, 5);

    private static final int THREADS = 4;
    private static final int VISITS = 150;

    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource({"2,true", "5,true", "5,false", "36,true"})
    void theBudgetHoldsAtEveryEvent(int slots, boolean direct) throws Exception {
        NativeAllocator allocator = new NativeAllocator();
        Checkpoint checkpoint = Checkpoints.open(MODEL.gguf().write(folder.resolve("model.gguf")));
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        // not quite one slot more
        long budget = layout.slotBytes() * slots + layout.slotBytes() - 1;
        SlotPlan plan =
                SlotPlan.of(ExpertBudget.parse(Long.toString(budget)), layout, 2, Long.MAX_VALUE);
        assertThat(plan.slots()).isEqualTo(slots);
        Books books = new Books(allocator, budget, slots);
        try (LeakCheck leaks = new LeakCheck(allocator)) {
            assertThat(leaks).isNotNull();
            try (SlotArena arena = SlotArena.allocate(allocator, plan.slotBytes(), plan.slots());
                    ExpertReader reader = ExpertReader.open(layout, arena, direct, 3);
                    ExpertCache cache =
                            ExpertCache.builder(reader)
                                    .shape(MODEL.layers(), MODEL.experts())
                                    .slots(plan.slots())
                                    .expertBytes(layout::expertBytes)
                                    .listener(books)
                                    .build()) {
                visitFromManyThreads(cache, reader);
                assertThat(cache.stats().bytesLoaded())
                        .isEqualTo(cache.stats().loads() * layout.expertBytes(new ExpertId(0, 0)));
            }
        }
        assertThat(books.complaints).isEmpty();
        assertThat(books.events).isGreaterThan(THREADS * VISITS);
    }

    private static void visitFromManyThreads(ExpertCache cache, ExpertReader reader)
            throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            List<Future<?>> visitors = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                Random random = new Random(100 + t);
                visitors.add(
                        threads.submit(
                                () -> {
                                    for (int i = 0; i < VISITS; i++) {
                                        visit(cache, reader, random);
                                    }
                                    return null;
                                }));
            }
            for (Future<?> visitor : visitors) {
                visitor.get(100, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static void visit(ExpertCache cache, ExpertReader reader, Random random)
            throws Exception {
        int layer = random.nextInt(MODEL.layers());
        int[] experts =
                random.ints(0, MODEL.experts()).distinct().limit(1 + random.nextInt(4)).toArray();
        cache.prefetch(new ExpertId((layer + 1) % MODEL.layers(), random.nextInt(MODEL.experts())));
        int seen = 0;
        try (ExpertVisit visit = cache.visit(layer, experts)) {
            for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
                try (ExpertLease held = lease) {
                    ExpertId id = held.id();
                    assertThat(IntStream.of(experts)).contains(id.expert());
                    ExpertWeights weights = reader.weights(id, held.slot());
                    assertSame(weights.gate(), id, "gate");
                    assertSame(weights.up(), id, "up");
                    assertSame(weights.down(), id, "down");
                    seen++;
                }
            }
        }
        assertThat(seen).isEqualTo(experts.length);
    }

    private static void assertSame(WeightMatrix matrix, ExpertId id, String name) {
        byte[] expected = MODEL.expert(id.layer(), name, id.expert(), TensorType.Q8_0);
        byte[] found = new byte[expected.length];
        matrix.memory().buffer(matrix.offset(), found.length).get(found);
        if (!Arrays.equals(found, expected)) {
            throw new AssertionError("The lease of " + id + " does not hold its " + name);
        }
    }

    /** Adds up what the cache reports, as it happens. */
    private static final class Books implements CacheListener {

        private final NativeAllocator allocator;
        private final long budget;
        private final int slots;
        private final Map<Integer, ExpertId> inSlot = new HashMap<>();
        private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
        private int events;

        Books(NativeAllocator allocator, long budget, int slots) {
            this.allocator = allocator;
            this.budget = budget;
            this.slots = slots;
        }

        @Override
        public synchronized void on(Event event, ExpertId id, int slot) {
            events++;
            long bytes = allocator.snapshot().of(MemoryTag.EXPERT_ARENA).bytes();
            if (bytes > budget) {
                complaints.add(event + " " + id + ": " + bytes + " bytes of " + budget);
            }
            if (slot >= slots) {
                complaints.add(event + " " + id + " in slot " + slot + " of " + slots);
            }
            switch (event) {
                case LOAD, PREFETCH, BACKGROUND -> {
                    ExpertId there = inSlot.putIfAbsent(slot, id);
                    if (there != null) {
                        complaints.add(id + " is read over " + there + " in slot " + slot);
                    }
                }
                case HIT, LOADED, PROMOTE -> {
                    if (!id.equals(inSlot.get(slot))) {
                        complaints.add(event + " " + id + " but slot " + slot + " is another's");
                    }
                }
                case EVICT, LOAD_FAILED, CANCELLED -> inSlot.remove(slot, id);
                case MISS -> {}
            }
        }
    }
}
