package io.greenroom.cache;

/**
 * A pinned, resident expert. Until it is closed the slot holds exactly this expert's bytes and is
 * neither evicted nor overwritten. Close it soon: every lease is a slot the budget cannot reuse.
 */
public interface ExpertLease extends AutoCloseable {

    ExpertId id();

    /** Index of the slot with the bytes. */
    int slot();

    /** Unpins. Closing twice is harmless. */
    @Override
    void close();
}
