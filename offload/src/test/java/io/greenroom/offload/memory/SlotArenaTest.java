package io.greenroom.offload.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** The arena is all the memory experts have. */
class SlotArenaTest {

    private final NativeAllocator allocator = new NativeAllocator();

    @Test
    void slotsAreAlignedAndApart() {
        try (LeakCheck leaks = new LeakCheck(allocator);
                SlotArena arena = SlotArena.allocate(allocator, 8192, 3)) {
            assertThat(leaks).isNotNull();
            assertThat(arena.bytes()).isEqualTo(3 * 8192);
            assertThat(arena.memory().tag()).isEqualTo(MemoryTag.EXPERT_ARENA);
            assertThat(arena.memory().address() % SlotArena.ALIGNMENT).isZero();
            for (int slot = 0; slot < 3; slot++) {
                assertThat(arena.offset(slot)).isEqualTo(slot * 8192L);
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
    void rangesOutsideAreRefused() {
        try (SlotArena arena = SlotArena.allocate(allocator, 4096, 2)) {
            assertThatThrownBy(() -> arena.offset(2)).hasMessage("Slot 2 of 2");
            assertThatThrownBy(() -> arena.offset(-1)).hasMessage("Slot -1 of 2");
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
    }
}
