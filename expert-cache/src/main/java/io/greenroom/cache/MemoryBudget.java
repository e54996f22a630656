package io.greenroom.cache;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A number of bytes that several owners share, for example the expert arenas of all models of a
 * server. Whoever wants bytes reserves them first and holds a {@link Reservation} that gives itself
 * back. Nothing waits: what does not fit is refused with the numbers.
 *
 * <p>Thread-safe. At no time do open reservations add up to more than the limit.
 */
public final class MemoryBudget {

    private final String name;
    private final ByteSize limit;
    private final AtomicLong used = new AtomicLong();

    /**
     * @param name what the bytes are for, for example "total expert budget"; appears in refusals
     * @param limit most bytes reserved at one time
     */
    public MemoryBudget(String name, ByteSize limit) {
        this.name = name;
        this.limit = limit;
    }

    /**
     * Takes bytes until the reservation is closed.
     *
     * @param owner who wants them, for the text of a refusal
     * @throws BudgetExceededException with the bytes wanted, used and allowed, if they do not fit
     */
    public Reservation reserve(String owner, ByteSize size) {
        long before = used.get();
        while (true) {
            if (size.bytes() > limit.bytes() - before) {
                throw new BudgetExceededException(
                        "Cannot reserve "
                                + size
                                + " for "
                                + owner
                                + ": the "
                                + name
                                + " is "
                                + limit
                                + ", "
                                + new ByteSize(before)
                                + " of it used, "
                                + new ByteSize(limit.bytes() - before)
                                + " free; ask for less, free some, or raise the limit");
            }
            long witness = used.compareAndExchange(before, before + size.bytes());
            if (witness == before) {
                return new Reservation(this, owner, size);
            }
            before = witness;
        }
    }

    public ByteSize limit() {
        return limit;
    }

    /** Bytes of open reservations. */
    public ByteSize used() {
        return new ByteSize(used.get());
    }

    /** Takes bytes, or gives back if negative; returns whether they fitted. */
    boolean tryChange(long bytes) {
        long before = used.get();
        while (bytes <= limit.bytes() - before) {
            long witness = used.compareAndExchange(before, before + bytes);
            if (witness == before) {
                return true;
            }
            before = witness;
        }
        return false;
    }

    void giveBack(ByteSize size) {
        used.addAndGet(-size.bytes());
    }
}
