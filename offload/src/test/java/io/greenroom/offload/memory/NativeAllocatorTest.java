package io.greenroom.offload.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class NativeAllocatorTest {

    private final NativeAllocator allocator = new NativeAllocator();

    @Test
    void keepsTheBooksByTag() {
        NativeMemory arena = allocator.allocate(MemoryTag.EXPERT_ARENA, 5L << 20, 4096);
        NativeMemory first = allocator.allocate(MemoryTag.KV_CACHE, 1000, 64);
        NativeMemory second = allocator.allocate(MemoryTag.KV_CACHE, 24, 64);
        MemorySnapshot snapshot = allocator.snapshot();
        assertThat(snapshot.of(MemoryTag.KV_CACHE)).isEqualTo(new MemorySnapshot.Usage(2, 1024));
        assertThat(snapshot.of(MemoryTag.IO_STAGING)).isEqualTo(new MemorySnapshot.Usage(0, 0));
        assertThat(snapshot.totalBytes()).isEqualTo((5L << 20) + 1024);
        assertThat(snapshot).hasToString("EXPERT_ARENA 5.0 MiB in 1, KV_CACHE 1.0 KiB in 2");

        first.close();
        first.close();
        assertThat(allocator.snapshot().of(MemoryTag.KV_CACHE))
                .isEqualTo(new MemorySnapshot.Usage(1, 24));
        second.close();
        arena.close();
        assertThat(allocator.snapshot()).hasToString("nothing");
    }

    @Test
    void blocksAreZeroedAndAligned() {
        for (int alignment : new int[] {1, 64, 4096, 1 << 21}) {
            try (NativeMemory block =
                    allocator.allocate(MemoryTag.DENSE_WEIGHTS, 6L << 20, alignment)) {
                assertThat(block.address() % alignment).isZero();
                assertThat(block.address() % (2 << 20)).as("huge pages").isZero();
                ByteBuffer bytes = block.buffer((6L << 20) - 8, 8);
                assertThat(bytes.getLong(0)).isZero();
                bytes.putLong(0, 42);
                assertThat(block.buffer((6L << 20) - 8, 8).getLong(0)).isEqualTo(42);
            }
        }
    }

    @Test
    void saysWhatWasWantedWhenTheSystemRefuses() {
        try (NativeMemory held = allocator.allocate(MemoryTag.KV_CACHE, 2048, 64)) {
            assertThat(held.bytes()).isEqualTo(2048);
            assertThatThrownBy(() -> allocator.allocate(MemoryTag.EXPERT_ARENA, 1L << 55, 4096))
                    .isInstanceOf(NativeMemoryException.class)
                    .hasMessage(
                            "The operating system refused 32768.0 TiB (36028797018963968 bytes) of"
                                    + " EXPERT_ARENA memory; this model holds KV_CACHE 2.0 KiB in"
                                    + " 1");
            assertThat(allocator.snapshot().totalBytes()).isEqualTo(2048);
        }
    }

    @Test
    void refusesNonsense() {
        assertThatThrownBy(() -> allocator.allocate(MemoryTag.KV_CACHE, 0, 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Cannot allocate 0 bytes of KV_CACHE memory");
        for (int alignment : new int[] {0, 48, Integer.MIN_VALUE}) {
            assertThatThrownBy(() -> allocator.allocate(MemoryTag.KV_CACHE, 64, alignment))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "Alignment " + alignment + " is not a power of two up to 1073741824");
        }
    }

    @Test
    void aClosedBlockHasNoAddressOrBuffer() {
        NativeMemory block = allocator.allocate(MemoryTag.IO_STAGING, 100, 64);
        assertThatThrownBy(() -> block.buffer(90, 11))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("Range of 11 bytes at 90 is outside IO_STAGING memory of 100 bytes");
        block.close();
        assertThatThrownBy(block::address)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("IO_STAGING memory of 100 bytes is closed");
        assertThatThrownBy(() -> block.buffer(0, 1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void poisonMakesStaleReadersNoticeable() {
        NativeAllocator poisoning = new NativeAllocator(NativeAllocator.OnClose.POISON);
        NativeMemory block = poisoning.allocate(MemoryTag.ACTIVATIONS, 4096, 64);
        ByteBuffer stale = block.buffer(0, 4096);
        stale.putFloat(0, 1.5f);
        block.close();
        assertThat(stale.getFloat(0)).isNaN();
        // More than the quarantine holds: older blocks go back to the system.
        for (int i = 0; i < 10; i++) {
            poisoning.allocate(MemoryTag.ACTIVATIONS, 8 << 20, 64).close();
        }
        assertThat(poisoning.snapshot().totalBytes()).isZero();
    }

    @Test
    void leakCheckNamesWhatDidNotComeHome() {
        NativeMemory before = allocator.allocate(MemoryTag.DENSE_WEIGHTS, 10, 64);
        LeakCheck even = new LeakCheck(allocator);
        allocator.allocate(MemoryTag.KV_CACHE, 10, 64).close();
        assertThatCode(even::close).doesNotThrowAnyException();

        LeakCheck check = new LeakCheck(allocator);
        NativeMemory leaked = allocator.allocate(MemoryTag.KV_CACHE, 2048, 64);
        assertThatThrownBy(check::close)
                .isInstanceOf(AssertionError.class)
                .hasMessage(
                        "Native memory did not come home: before DENSE_WEIGHTS 10 B in 1; after"
                                + " DENSE_WEIGHTS 10 B in 1, KV_CACHE 2.0 KiB in 1");
        leaked.close();
        before.close();
    }
}
