package io.greenroom.offload.memory;

/**
 * Asserts that all memory comes home: notes what an allocator has handed out when made, and on
 * close demands that it is the same again. For tests:
 *
 * <pre>{@code
 * try (LeakCheck check = new LeakCheck(allocator)) {
 *     // allocate, use, close
 * }
 * }</pre>
 */
public final class LeakCheck implements AutoCloseable {

    private final NativeAllocator allocator;
    private final MemorySnapshot before;

    public LeakCheck(NativeAllocator allocator) {
        this.allocator = allocator;
        this.before = allocator.snapshot();
    }

    /**
     * Compares.
     *
     * @throws AssertionError naming what there was and what there is
     */
    @Override
    public void close() {
        MemorySnapshot after = allocator.snapshot();
        if (!after.equals(before)) {
            throw new AssertionError(
                    "Native memory did not come home: before " + before + "; after " + after);
        }
    }
}
