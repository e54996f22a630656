package io.greenroom.offload.lowbit;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.LoadPriority;
import io.greenroom.offload.memory.SlotArena;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.zip.CRC32C;

/**
 * Compares the checksum of each copy with what was read into its slot, before anybody computes with
 * it. CRC32C is an instruction: some 5 % of the time that the read takes on a disk of 1 GB/s.
 */
public final class CheckedReader implements ExpertLoader {

    private final ExpertLoader reader;
    private final LowBitFile copies;
    private final SlotArena arena;

    /**
     * @param reader reads {@code copies} into {@code arena}
     */
    public CheckedReader(ExpertLoader reader, LowBitFile copies, SlotArena arena) {
        this.reader = reader;
        this.copies = copies;
        this.arena = arena;
    }

    @Override
    public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
        return reader.load(id, slot, priority).thenRun(() -> check(id, slot));
    }

    @Override
    public void promote(ExpertId id) {
        reader.promote(id);
    }

    @Override
    public void slotRetired(int slot) {
        reader.slotRetired(slot);
    }

    private void check(ExpertId id, int slot) {
        CRC32C crc = new CRC32C();
        // records begin at block borders, so a copy begins where its slot does
        crc.update(arena.buffer(slot, 0, Math.toIntExact(copies.copyBytes())));
        int expected = copies.checksum(id);
        if ((int) crc.getValue() != expected) {
            throw new CompletionException(
                    new IOException(
                            String.format(
                                    "%s: the copy of expert %s is damaged: its checksum is %08x,"
                                            + " expected %08x; make the copies again with"
                                            + " greenroom pack",
                                    copies.location(), id, (int) crc.getValue(), expected)));
        }
    }
}
