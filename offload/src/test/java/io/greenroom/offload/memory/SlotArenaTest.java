package io.greenroom.offload.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.offload.memory.NativeAllocator.OnClose;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The arena is all the memory experts have. */
class SlotArenaTest {

    private static final int HUGE_PAGE = 2 << 20;

    private final NativeAllocator allocator = new NativeAllocator();

    @Test
    void slotsAreAlignedAndApart() {
        try (LeakCheck leaks = new LeakCheck(allocator);
                SlotArena arena = SlotArena.allocate(allocator, 8192, 3)) {
            assertThat(leaks).isNotNull();
            assertThat(arena.memory().tag()).isEqualTo(MemoryTag.EXPERT_ARENA);
            assertThat(arena.memory().address() % SlotArena.ALIGNMENT).isZero();
            for (int slot = 0; slot < 3; slot++) {
                assertThat(arena.offset(slot)).isEqualTo(slot * 8192L);
                arena.commit(slot);
                arena.buffer(slot, 0, 8192).putLong(0, slot).putLong(8184, slot);
            }
            arena.poison(1);
            assertThat(arena.buffer(0, 8184, 8).getLong()).isEqualTo(0);
            assertThat(arena.buffer(1, 0, 8).getFloat()).isNaN();
            assertThat(arena.buffer(1, 8184, 8).getLong()).isEqualTo(-1);
            assertThat(arena.buffer(2, 0, 8).getLong()).isEqualTo(2);
        }
    }

    @Test
    void onlyCommittedSlotsAreMemory() {
        try (LeakCheck leaks = new LeakCheck(allocator);
                SlotArena arena = SlotArena.allocate(allocator, 8192, 1 << 28)) { // 2 TiB
            assertThat(leaks).isNotNull();
            assertThat(booked()).isEqualTo(new MemorySnapshot.Usage(1, 0));
            arena.commit(7);
            arena.commit(7);
            arena.commit((1 << 28) - 1);
            assertThat(arena.committedBytes()).isEqualTo(2 * 8192);
            assertThat(booked()).isEqualTo(new MemorySnapshot.Usage(1, 2 * 8192));
            arena.decommit(7);
            arena.decommit(7);
            arena.decommit(0);
            assertThat(booked()).isEqualTo(new MemorySnapshot.Usage(1, 8192));
            assertThatThrownBy(() -> arena.buffer(7, 0, 8))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("Slot 7 is not committed");
        }
    }

    @Test
    void aSlotComesBackEmpty() {
        for (int slotBytes : new int[] {4096, HUGE_PAGE, HUGE_PAGE + 4096, 3 * HUGE_PAGE - 4096}) {
            try (SlotArena arena = SlotArena.allocate(allocator, slotBytes, 3)) {
                for (int slot = 0; slot < 3; slot++) {
                    arena.poison(slot);
                }
                arena.decommit(1);
                arena.commit(1);
                for (int slot = 0; slot < 3; slot++) {
                    ByteBuffer bytes = arena.buffer(slot, 0, slotBytes);
                    long expected = slot == 1 ? 0 : -1;
                    for (int at = 0; at < slotBytes; at += 8) {
                        if (bytes.getLong(at) != expected) {
                            throw new AssertionError(
                                    "Slot " + slot + " of " + slotBytes + " bytes at " + at);
                        }
                    }
                }
            }
        }
    }

    @Test
    void inTestsADecommittedSlotIsPoisoned() {
        NativeAllocator poisoning = new NativeAllocator(OnClose.POISON);
        ByteBuffer closed;
        try (LeakCheck leaks = new LeakCheck(poisoning);
                SlotArena arena = SlotArena.allocate(poisoning, 4096, 2)) {
            assertThat(leaks).isNotNull();
            arena.commit(0);
            ByteBuffer stale = arena.buffer(0, 0, 4096).putFloat(8, 1);
            arena.decommit(0);
            assertThat(stale.getFloat(8)).isNaN();
            assertThat(arena.committedBytes()).isZero();
            arena.commit(1);
            closed = arena.buffer(1, 0, 4096);
        }
        assertThat(closed.getFloat(4092)).as("readable for a while").isNaN();
    }

    /** Huge pages must not make memory real beyond the slots that are committed. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void theSystemHoldsWhatIsCommittedAndNoMore() throws Exception {
        int slotBytes = 5 * HUGE_PAGE / 2; // two huge pages and a half
        int slots = 24;
        try (SlotArena arena = SlotArena.allocate(allocator, slotBytes, slots)) {
            ProcessMemory.Mapping range =
                    new ProcessMemory.Mapping(arena.memory().address(), arena.memory().bytes());
            assertThat(range.residentBytes()).isZero();
            for (int slot = 0; slot < slots; slot += 2) {
                arena.poison(slot);
            }
            assertThat(range.residentBytes()).isEqualTo((long) slotBytes * slots / 2);
            for (int slot = 0; slot < slots; slot += 4) {
                arena.decommit(slot);
            }
            assertThat(range.residentBytes())
                    .isEqualTo((long) slotBytes * slots / 4)
                    .isEqualTo(arena.committedBytes());
        }
    }

    /** Random commits and decommits: the books are those of a set of slots. */
    @Property(tries = 100)
    void theBooksAreRight(
            @ForAll @Size(max = 60) List<@IntRange(min = 0, max = 19) Integer> steps) {
        try (LeakCheck leaks = new LeakCheck(allocator);
                SlotArena arena = SlotArena.allocate(allocator, 4096, 10)) {
            assertThat(leaks).isNotNull();
            BitSet committed = new BitSet();
            for (int step : steps) {
                int slot = step / 2;
                if (step % 2 == 0) {
                    arena.commit(slot);
                    committed.set(slot);
                } else {
                    arena.decommit(slot);
                    committed.clear(slot);
                }
                assertThat(arena.committedBytes()).isEqualTo(4096L * committed.cardinality());
                assertThat(booked().bytes()).isEqualTo(arena.committedBytes());
            }
        }
    }

    @Test
    void rangesOutsideAreRefused() {
        try (SlotArena arena = SlotArena.allocate(allocator, 4096, 2)) {
            assertThatThrownBy(() -> arena.offset(2)).hasMessage("Slot 2 of 2");
            assertThatThrownBy(() -> arena.commit(-1)).hasMessage("Slot -1 of 2");
            assertThatThrownBy(() -> arena.decommit(2)).hasMessage("Slot 2 of 2");
            assertThatThrownBy(() -> arena.buffer(0, 4000, 97))
                    .hasMessage("Range of 97 bytes at 4000 is outside a slot of 4096 bytes");
        }
    }

    @Test
    void oddSizesAreRefused() {
        assertThatThrownBy(() -> SlotArena.allocate(allocator, 5000, 2))
                .hasMessage(
                        "An arena needs at least one slot of a multiple of 4096 bytes, got 2 of 5000");
        assertThatThrownBy(() -> SlotArena.allocate(allocator, 4096, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SlotArena.allocate(allocator, 1L << 60, 64))
                .isInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> SlotArena.allocate(allocator, 1L << 40, 1 << 20))
                .isInstanceOf(NativeMemoryException.class)
                .hasMessage(
                        "The operating system refused 1048576.0 TiB (1152921504606846976 bytes)"
                                + " of EXPERT_ARENA address space; this model holds nothing");
    }

    private MemorySnapshot.Usage booked() {
        return allocator.snapshot().of(MemoryTag.EXPERT_ARENA);
    }
}
